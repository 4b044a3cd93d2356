/** Something that is to be reached. Reported beside the figures; a run fails for none of them. */
export interface Goal {
  readonly name: string
  /** null: not measured. */
  readonly figure: number | null
  readonly bound: number
  readonly met: boolean | null
}

type Figure = number | null | undefined

const goal =
  (isMet: (figure: number, bound: number) => boolean) =>
  (name: string, figure: Figure, bound: number): Goal => {
    const known = figure ?? null
    return { name, figure: known, bound, met: known === null ? null : isMet(known, bound) }
  }

/** The figure is to stay below the bound, or at it. */
export const atMost = goal((figure, bound) => figure <= bound)
/** The figure is to reach the bound. */
export const atLeast = goal((figure, bound) => figure >= bound)
