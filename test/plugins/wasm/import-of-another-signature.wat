(import "env" "get_timestamp_us" (func (result i32)))
