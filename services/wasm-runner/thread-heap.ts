/**
 * Heap of a thread that runs guests, MiB: a thousand plugins have 50 of it. Their memories are not in it; what a guest with a
 * garbage collector makes is, and exceptions. Where it is full the thread ends, and not the process.
 */
export const threadHeapMiB = 512

/** Whether `cause`, of which a thread ended, says that its heap was full. */
export const isOutOfHeap = ({ code }: NodeJS.ErrnoException): boolean => code === 'ERR_WORKER_OUT_OF_MEMORY'
