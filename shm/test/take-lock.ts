import { lockFile } from '../../rpc/lock.ts'

// take-lock PATH: says whether it got the lock; holds it until stdin ends.
console.log(lockFile(process.argv[2] ?? ''))
process.stdin.resume()
