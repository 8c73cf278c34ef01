import Linux
import Model

extension HostTable {
  /// The preview-1 functions that C libraries need; all others answer ENOSYS.
  static var wasi: [Entry] {
    WASINames.signatures.map { name, signature in
      Entry(
        name: ImportName(module: WASINames.module, name: name), signature: signature,
        body: .now(body(name)))
    }
  }

  private static func body(_ name: String) -> (Guest, CallArguments) throws(GuestFault) -> Int64? {
    switch name {
    case "fd_write": return write
    case "clock_time_get": return time
    case "clock_res_get":
      return { (guest, call) throws(GuestFault) in
        try guest.store(UInt64(1), at: call.pointer(1))
        return Int64(WASINames.success)
      }
    case "random_get":
      return { (guest, call) throws(GuestFault) in
        let count = call.pointer(1)
        try guest.checkLength(count)
        var source = SystemRandomNumberGenerator()
        try guest.write((0..<count).map { _ in UInt8.random(in: 0...255, using: &source) }, at: call.pointer(0))
        return Int64(WASINames.success)
      }
    case "environ_sizes_get":
      return { (guest, call) throws(GuestFault) in
        try guest.store(UInt32(guest.environment.count), at: call.pointer(0))
        try guest.store(UInt32(guest.environment.reduce(0) { $0 + $1.utf8.count + 1 }), at: call.pointer(1))
        return Int64(WASINames.success)
      }
    case "environ_get":
      return { (guest, call) throws(GuestFault) in
        var place = call.pointer(1)
        for (index, variable) in guest.environment.enumerated() {
          try guest.store(place, at: call.pointer(0) &+ UInt32(index) &* 4)
          try guest.write(Array(variable.utf8) + [0], at: place)
          place = place &+ UInt32(variable.utf8.count + 1)
        }
        return Int64(WASINames.success)
      }
    case "args_sizes_get":
      return { (guest, call) throws(GuestFault) in
        try guest.store(UInt32(0), at: call.pointer(0))
        try guest.store(UInt32(0), at: call.pointer(1))
        return Int64(WASINames.success)
      }
    case "args_get", "sched_yield": return { (_, _) throws(GuestFault) in Int64(WASINames.success) }
    case "proc_exit":
      return { (_, call) throws(GuestFault) in throw GuestFault.exit(Int32(bitPattern: call.pointer(0))) }
    // A C library asks these of descriptors 0 to 3 while it starts; ENOSYS would make it give up.
    case "fd_prestat_get", "fd_fdstat_get", "fd_close":
      return { (_, _) throws(GuestFault) in Int64(WASINames.badDescriptor) }
    default: return { (_, _) throws(GuestFault) in Int64(WASINames.noSystemCall) }
    }
  }

  /// Standard output and error go to the agent's log.
  private static func write(_ guest: Guest, _ call: CallArguments) throws(GuestFault) -> Int64? {
    let descriptor = call.pointer(0)
    guard descriptor == 1 || descriptor == 2 else { return Int64(WASINames.badDescriptor) }
    guard call.pointer(2) <= 64 else { return Int64(WASINames.invalid) }
    var text: [UInt8] = []
    for index in 0..<call.pointer(2) {
      let place = call.pointer(1) &+ index &* 8
      text += try guest.bytes(try guest.word(at: place), try guest.word(at: place &+ 4))
      try guest.checkLength(UInt32(clamping: text.count))
    }
    guest.logOutput(text, descriptor == 2 ? .warning : .info)
    try guest.store(UInt32(text.count), at: call.pointer(3))
    return Int64(WASINames.success)
  }

  private static func time(_ guest: Guest, _ call: CallArguments) throws(GuestFault) -> Int64? {
    switch call.pointer(0) {
    case 0: try guest.store(System.wallMilliseconds() &* 1_000_000, at: call.pointer(2))
    case 1: try guest.store(guest.host?.now ?? 0, at: call.pointer(2))
    default: return Int64(WASINames.invalid)
    }
    return Int64(WASINames.success)
  }
}
