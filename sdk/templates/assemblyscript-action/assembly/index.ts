import { ActionRequest, ActionResult, describe, print } from '@openracing/plugin/assembly/action'

export { alloc, dealloc } from '@openracing/plugin/assembly'

export function init(): i64 {
  return describe(
    '{"name":"{{name}}","version":"0.1.0","description":"Says hello in its log.","author":"Your name",' +
      '"license":"MIT","type":"action","capabilities":[]}',
  )
}

export function execute(pointer: usize, length: i32): i32 {
  const request = new ActionRequest(pointer, length)
  if (request.action() != 'hello') return ActionResult.FAILED
  print('hello ' + request.parameter(0))
  return ActionResult.OK
}
