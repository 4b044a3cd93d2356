// The Zenith guide's resize, nearest neighbour of RGB pixels:
// wheelctl plugin process zenith-resize --operation resize_image --params u32:640,u32:480,u32:320,u32:240 --output-bytes 230400 …

const info = String.UTF8.encode('zenith-resize v1.0.0', true)

export function plugin_info(): usize {
  return changetype<usize>(info)
}

/** What the parameter block holds, in this order. */
@unmanaged
class ResizeParams {
  src_width: u32
  src_height: u32
  dst_width: u32
  dst_height: u32
}

export function resize_image(input: usize, params: ResizeParams, output: usize): i32 {
  if (params.dst_width == 0 || params.dst_height == 0) return 0
  if (params.src_width == 0 || params.src_height == 0) return -1
  const x_ratio = <f32>params.src_width / <f32>params.dst_width
  const y_ratio = <f32>params.src_height / <f32>params.dst_height
  let to = output
  for (let y: u32 = 0; y < params.dst_height; y++) {
    const row = <u32>(<f32>y * y_ratio) * params.src_width
    for (let x: u32 = 0; x < params.dst_width; x++, to += 3) {
      const from = input + (row + <u32>(<f32>x * x_ratio)) * 3
      store<u8>(to, load<u8>(from))
      store<u8>(to, load<u8>(from, 1), 1)
      store<u8>(to, load<u8>(from, 2), 2)
    }
  }
  return 0
}
