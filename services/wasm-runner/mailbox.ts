/** Messages that wait for one plugin, and bytes of one: 16 KiB a plugin, so that nobody fills the host through a neighbour. */
const waitingMax = 16
export const messageBytesMax = 1024

/** The mailboxes of the plugins that may talk to each other. A message stays until it is taken or its reader goes. */
export interface PostOffice {
  /** Gives `id` a mailbox, empty or as it was. */
  open(id: string): void
  close(id: string): void
  /** False when there is no such mailbox, or it is full. */
  send(to: string, message: Uint8Array): boolean
  /** The oldest message; stays where it is until it is taken. */
  peek(id: string): Uint8Array | undefined
  take(id: string): void
}

export function createPostOffice(): PostOffice {
  const boxes = new Map<string, Uint8Array[]>()
  return {
    open(id) {
      if (!boxes.has(id)) boxes.set(id, [])
    },
    close: (id) => void boxes.delete(id),
    send(to, message) {
      const box = boxes.get(to)
      if (box === undefined || box.length >= waitingMax || message.length > messageBytesMax) return false
      box.push(new Uint8Array(message)) // a copy: the guest goes on writing to its memory
      return true
    },
    peek: (id) => boxes.get(id)?.[0],
    take: (id) => void boxes.get(id)?.shift(),
  }
}
