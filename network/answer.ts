import type { Header } from './http-ask.ts'

/** What became of a request. */
export type HttpAnswer =
  | {
      readonly kind: 'response'
      /** 100..599. */
      readonly status: number
      readonly headers: readonly Header[]
      readonly body: Uint8Array
    }
  /** It was tried, or might be tried again. */
  | { readonly kind: 'failed'; readonly detail: string }
  /** It may not be: the manifest does not list where it led. */
  | { readonly kind: 'refused'; readonly detail: string }
