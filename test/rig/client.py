"""A program in Python that knows a rig by its contracts alone: what Debian's python3-grpcio and python3-protobuf can do.

Usage: client.py CONTRACTS ADDRESS. Prints one JSON object of what it found.
"""

import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

contracts, address = sys.argv[1:3]
pool = descriptor_pool.DescriptorPool()
files = descriptor_pb2.FileDescriptorSet()
with open(contracts, "rb") as file:
    files.ParseFromString(file.read())
for each in files.file:
    pool.Add(each)
factory = message_factory.MessageFactory(pool)


def message(name):
    return factory.GetPrototype(pool.FindMessageTypeByName(name))


def method(channel, service, name):
    """The call of a method, of whatever kind, by its descriptor."""
    found = pool.FindServiceByName(service).FindMethodByName(name)
    proto = descriptor_pb2.MethodDescriptorProto()
    found.CopyToProto(proto)
    kind = ("stream" if proto.client_streaming else "unary") + "_" + ("stream" if proto.server_streaming else "unary")
    request, response = factory.GetPrototype(found.input_type), factory.GetPrototype(found.output_type)
    call = getattr(channel, kind)(
        f"/{service}/{name}", request_serializer=request.SerializeToString, response_deserializer=response.FromString
    )
    return request, call


def failure(error):
    """What a failed call says to a program: the details of google.rpc.Status."""
    status = message("google.rpc.Status")()
    status.ParseFromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    details = {}
    for packed in status.details:
        detail = message(packed.TypeName())()
        packed.Unpack(detail)
        details[packed.TypeName()] = json_format.MessageToDict(detail, preserving_proto_field_name=True)
    return {"code": error.code().name, "details": details}


def refused(call, request):
    try:
        call(request, timeout=5)
    except grpc.RpcError as error:
        return failure(error)
    return None


with grpc.insecure_channel(address) as channel:
    found = {}
    Request, check = method(channel, "grpc.health.v1.Health", "Check")
    found["health"] = check(Request(), timeout=5).status
    Request, reflect = method(channel, "grpc.reflection.v1.ServerReflection", "ServerReflectionInfo")
    answers = reflect(iter([Request(list_services="")]), timeout=5)
    found["services"] = [each.name for each in next(answers).list_services_response.service]
    Request, plugins = method(channel, "openracing.v1.PluginService", "ListPlugins")
    found["plugins"] = [each.name for each in plugins(Request(), timeout=5).plugins]
    Request, watch = method(channel, "openracing.v1.RigService", "WatchRig")
    rigs = watch(Request(interval_ms=20), timeout=10)
    found["ticks"] = [next(rigs).rig.loop.ticks for _ in range(3)]
    rigs.cancel()
    Request, publish = method(channel, "openracing.v1.TelemetryService", "PublishTelemetry")
    frames = (Request(frame={"rpm": 6000 + n, "max_rpm": 9000, "speed_ms": 40, "gear": 3}) for n in range(10))
    found["published"] = publish(frames, timeout=5).accepted_frames
    Request, get = method(channel, "openracing.v1.PluginService", "GetPlugin")
    found["unknown"] = refused(get, Request(plugin="ghost"))
    Request, history = method(channel, "openracing.v1.AuditService", "ListAuditEntries")
    found["invalid"] = refused(history, Request(page_size=100000))
    Request, add = method(channel, "openracing.v1.KeyService", "AddKey")
    found["forbidden"] = refused(add, Request())
    print(json.dumps(found))
