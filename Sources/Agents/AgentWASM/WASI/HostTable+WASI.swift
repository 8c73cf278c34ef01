import Linux
import Model

extension HostTable {
  /// The preview-1 functions that C libraries need; all others return ENOSYS.
  static var wasi: [Entry] {
    WASINames.signatures.map { name, signature in
      let work = files(name) ?? general(name)
      return Entry(
        name: ImportName(module: WASINames.module, name: name), signature: signature,
        body: .now { (guest, call) throws(GuestFault) in
          do throws(GuestFault) {
            guard let work else { throw .refused(.noSystemCall) }
            try work(guest, call)
            return 0
          } catch {
            guard case .refused(let error) = error else { throw error }
            return Int64(error.number)
          }
        })
    }
  }

  /// Whether a function does more than return ENOSYS.
  static func works(_ name: String) -> Bool { files(name) != nil || general(name) != nil }

  private static func general(_ name: String) -> ((Guest, CallArguments) throws(GuestFault) -> Void)? {
    switch name {
    case "fd_write": return write
    case "clock_time_get": return time
    case "clock_res_get":
      return { (guest, call) throws(GuestFault) in
        guard call.pointer(0) <= 1 else { throw .refused(.invalid) }
        try guest.store(UInt64(1), at: call.pointer(1))
      }
    case "random_get":
      return { (guest, call) throws(GuestFault) in
        guard call.pointer(1) <= mostRandom else { throw .refused(.invalid) }
        try guest.charge(Int(call.pointer(1)))
        let words = (0..<(call.pointer(1) + 7) / 8).map { _ in UInt64.random(in: 0 ... .max) }
        let bytes = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        try guest.write(Array(bytes.prefix(Int(call.pointer(1)))), at: call.pointer(0))
      }
    case "environ_sizes_get":
      return { (guest, call) throws(GuestFault) in
        try guest.store(UInt32(guest.variables.count), at: call.pointer(0))
        try guest.store(UInt32(guest.variables.reduce(0) { $0 + $1.utf8.count + 1 }), at: call.pointer(1))
      }
    case "environ_get":
      return { (guest, call) throws(GuestFault) in
        var place = call.pointer(1)
        for (index, variable) in guest.variables.enumerated() {
          try guest.store(place, at: call.pointer(0) &+ UInt32(index) &* 4)
          try guest.write(Array(variable.utf8) + [0], at: place)
          place = place &+ UInt32(variable.utf8.count + 1)
        }
      }
    case "args_sizes_get":
      return { (guest, call) throws(GuestFault) in
        try guest.store(UInt32(0), at: call.pointer(0))
        try guest.store(UInt32(0), at: call.pointer(1))
      }
    case "args_get", "sched_yield": return { (_, _) throws(GuestFault) in }
    case "proc_exit":
      return { (_, call) throws(GuestFault) in throw GuestFault.exit(Int32(bitPattern: call.pointer(0))) }
    default: return nil
    }
  }

  /// The most bytes of one `random_get`.
  private static let mostRandom: UInt32 = 4096

  /// Writes standard output and error into the agent's log. Like a pipe, it may accept fewer bytes.
  private static func write(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    let descriptor = call.pointer(0)
    guard descriptor == 1 || descriptor == 2 else { throw .refused(.badDescriptor) }
    guard call.pointer(2) <= 64 else { throw .refused(.invalid) }
    var text: [UInt8] = []
    for index in 0..<call.pointer(2) {
      let place = call.pointer(1) &+ index &* 8
      let room = Guest.longestOutput - UInt32(text.count)
      text += try guest.bytes(try guest.word(at: place), try guest.word(at: place &+ 4), most: room)
    }
    try guest.store(UInt32(text.count), at: call.pointer(3))
    guest.logOutput(text, descriptor == 2 ? .warning : .info)
  }

  private static func time(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    switch call.pointer(0) {
    case 0: try guest.store(System.wallMilliseconds() &* 1_000_000, at: call.pointer(2))
    case 1: try guest.store(guest.host?.now ?? 0, at: call.pointer(2))
    default: throw .refused(.invalid)
    }
  }
}
