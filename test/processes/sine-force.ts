// sine-force.ts AMPLITUDE_NM FREQUENCY_HZ: feeds the loop of the rig of this home, and nothing that its parent does keeps it
// waiting. Ends when its parent is gone.
import { findHome } from '../../rpc/home.ts'
import { produceForce } from '../force-producer.ts'

const [amplitudeNm = 0, frequencyHz = 0] = process.argv.slice(2).map(Number)
produceForce(findHome(process.env), (seconds) => amplitudeNm * Math.sin(2 * Math.PI * frequencyHz * seconds))
process.stdin.once('end', () => process.exit(0)).resume()
