/**
 * The bytes that base64 stands for (RFC 4648, with padding), or null when it is not what those bytes are written as: no
 * other alphabet, no spaces, no bits to spare in the last character.
 */
export function bytesOfBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : null
}
