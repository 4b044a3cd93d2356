/** What the session text of an iRacing file says about the car and the track. */
export interface IracingSession {
  readonly carId: string | undefined
  readonly trackId: string | undefined
  /** rev/min. */
  readonly redLineRpm: number | undefined
  readonly numGears: number | undefined
}

/** Bytes of a name in a frame, without its NUL. */
const mostNameBytes = 23

/**
 * Finds four facts in the session text. It is YAML only nearly (drivers' names come unquoted), so lines are looked for
 * instead of parsing it; what is not there is undefined.
 */
export function readIracingSession(text: string): IracingSession {
  const value = (key: string): string | undefined => restOfLine(text, key)
  const number = (key: string): number | undefined => {
    const found = Number(value(key) || Number.NaN)
    return Number.isFinite(found) && found > 0 ? found : undefined
  }
  const gears = number('DriverCarGearNumForward')
  return {
    carId: clipName(carPath(text, value('DriverCarIdx'))),
    trackId: clipName(value('TrackName')),
    redLineRpm: number('DriverCarRedLine'),
    numGears: gears !== undefined && gears <= 255 ? Math.trunc(gears) : undefined,
  }
}

/** The rest of the first line `key: …`. Trimmed afterwards: a pattern that trims takes quadratic time on a hostile line. */
const restOfLine = (text: string, key: string): string | undefined =>
  new RegExp(`^ *${key}:(.*)$`, 'm').exec(text)?.[1]?.trim()

/** The car of the driver with the index `driver`. */
function carPath(text: string, driver: string | undefined): string | undefined {
  if (driver === undefined || !/^\d{1,3}$/.test(driver)) return undefined
  const drivers = text.slice(Math.max(0, text.indexOf('\n Drivers:')))
  const start = drivers.search(new RegExp(`^ *- CarIdx: *${driver} *$`, 'm'))
  if (start === -1) return undefined
  const next = drivers.indexOf('- CarIdx:', drivers.indexOf('CarIdx:', start) + 1)
  return restOfLine(drivers.slice(start, next === -1 ? undefined : next), 'CarPath')
}

/** At most 23 bytes of UTF-8, cut between characters; absent when empty. */
function clipName(name: string | undefined): string | undefined {
  let clipped = (name ?? '').slice(0, mostNameBytes)
  while (Buffer.byteLength(clipped) > mostNameBytes) clipped = [...clipped].slice(0, -1).join('')
  return clipped === '' ? undefined : clipped
}
