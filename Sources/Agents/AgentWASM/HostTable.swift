import Model

/// The functions that a guest may import, and their implementations. The contract is `wit/openstarry.wit`.
enum HostTable {
  struct Entry {
    var name: ImportName
    var signature: Signature
    var body: Body
  }

  enum Body {
    /// Returns at once; nil if the function has no result.
    case now((Guest, CallArguments) throws(GuestFault) -> Int64?)
    /// Writes its result later. Until then the guest is suspended, if it may wait.
    case later((Guest, CallArguments) throws(GuestFault) -> PendingCall)
  }

  /// The type of an import; nil if there is none of that name.
  static func signature(of name: ImportName) -> Signature? {
    if name.module == WASINames.module { return WASINames.signatures[name.name] }
    return ownSignatures[name]
  }

  static var all: [Entry] { own + wasi }

  private static let ownSignatures = Dictionary(uniqueKeysWithValues: own.map { ($0.name, $0.signature) })

  static var own: [Entry] {
    [
      entry("openstarry:hal/sensors", "read", "iii>") { (guest, call) throws(GuestFault) in
        let encoding = guest.encoding
        let id = try guest.name(call, 0)
        return try guest.answer(at: call.pointer(2)) { (host) throws(AgentError) in
          encoding.encode(try host.read(try id.get()))
        }
      },
      entry("openstarry:hal/actuators", "control", "iiiiIi>") { (guest, call) throws(GuestFault) in
        let id = try guest.name(call, 0)
        let encoding = guest.encoding
        let command = try guest.payload(call, 2, most: PayloadEncoding.longestCommand)
        let milliseconds = UInt64(bitPattern: call.wide(4))
        return try guest.answer(at: call.pointer(5)) { (host) throws(AgentError) in
          let lease: Duration? = milliseconds == 0 ? nil : .milliseconds(Int64(clamping: min(milliseconds, 1 << 40)))
          return encoding.encode(
            try host.control(try id.get(), try encoding.decodeCommand(try command.get()), lease: lease))
        }
      },
      entry("openstarry:hal/cameras", "snapshot", "iii>") { (guest, call) throws(GuestFault) in
        let id = try guest.name(call, 0)
        return try guest.answer(at: call.pointer(2)) { (host) throws(AgentError) in try host.snapshot(try id.get()) }
      },
      entry("openstarry:hal/cameras", "frame", "iiiii>") { (guest, call) throws(GuestFault) in
        let id = try guest.name(call, 0)
        let (width, height) = (Int(call.pointer(2)), Int(call.pointer(3)))
        return try guest.answer(at: call.pointer(4)) { (host) throws(AgentError) in
          try host.frame(try id.get(), width: width, height: height)
        }
      },
      Entry(
        name: ImportName(module: "openstarry:agent/model@\(ABI.version)", name: "complete"), signature: "iiiiii>",
        body: .later { (guest, call) throws(GuestFault) in
          let (prompt, system) = (try guest.text(call, 0), try guest.text(call, 2))
          let tokens = Int(call.pointer(4))
          let request = ModelRequest(prompt: prompt, system: system, maxTokens: tokens == 0 ? nil : tokens)
          return try guest.wait(at: call.pointer(5)) { (host, done) throws(AgentError) in
            let completion = try host.complete(request) { done($0.map { Array($0.text.utf8) }) }
            return { host.cancel(completion) }
          }
        }),
      Entry(
        name: ImportName(module: "openstarry:agent/model@\(ABI.version)", name: "chat"), signature: "iii>",
        body: .later { (guest, call) throws(GuestFault) in
          let encoding = guest.encoding
          let request = try guest.payload(call, 0, most: PayloadEncoding.limits.bytes)
          return try guest.wait(at: call.pointer(2)) { (host, done) throws(AgentError) in
            let request = try ModelRequest(encoding.decode(try request.get()))
            let completion = try host.complete(request) { done($0.map { encoding.encode($0.wireValue) }) }
            return { host.cancel(completion) }
          }
        }),
      entry("openstarry:agent/events", "emit", "iiiii>") { (guest, call) throws(GuestFault) in
        let type = try guest.name(call, 0)
        let encoding = guest.encoding
        let payload = try guest.payload(call, 2, most: PayloadLimit.memory)
        return try guest.answer(at: call.pointer(4)) { (host) throws(AgentError) in
          Array(try host.emit(try type.get(), try encoding.decodePayload(try payload.get())).description.utf8)
        }
      },
      entry("openstarry:agent/log", "write", "iii>") { (guest, call) throws(GuestFault) in
        let message = try guest.bytes(call.pointer(1), call.pointer(2), most: Guest.longestOutput)
        guest.log(LogLevel(rawValue: Int(call.pointer(0))) ?? .info, String(decoding: message, as: UTF8.self))
        return nil
      },
      entry("openstarry:agent/state", "get", "iii>") { (guest, call) throws(GuestFault) in
        let encoding = guest.encoding
        let key = try guest.name(call, 0)
        return try guest.answer(at: call.pointer(2)) { (host) throws(AgentError) in
          let key = try key.get()
          guard let value = host.state(key) else { throw AgentError(.notFound, "there is no value under '\(key)'") }
          return encoding.encode(value)
        }
      },
      entry("openstarry:agent/state", "set", "iiiii>") { (guest, call) throws(GuestFault) in
        let key = try guest.name(call, 0)
        let encoding = guest.encoding
        let value = try guest.payload(call, 2, most: PayloadEncoding.limits.bytes)
        return try guest.answer(at: call.pointer(4)) { (host) throws(AgentError) in
          try host.setState(try key.get(), try encoding.decode(try value.get()))
          return nil
        }
      },
      entry("openstarry:agent/state", "remove", "iii>") { (guest, call) throws(GuestFault) in
        let key = try guest.name(call, 0)
        return try guest.answer(at: call.pointer(2)) { (host) throws(AgentError) in
          try host.setState(try key.get(), nil)
          return nil
        }
      },
      entry("openstarry:agent/timers", "set", "iiIii>") { (guest, call) throws(GuestFault) in
        let name = try guest.name(call, 0)
        let milliseconds = Int64(clamping: min(UInt64(bitPattern: call.wide(2)), 1 << 40))
        let repeats = call.pointer(3) != 0
        return try guest.answer(at: call.pointer(4)) { (host) throws(AgentError) in
          try host.setTimer(try name.get(), after: .milliseconds(milliseconds), repeats: repeats)
          return nil
        }
      },
      entry("openstarry:agent/timers", "cancel", "ii>") { (guest, call) throws(GuestFault) in
        let name = try guest.name(call, 0)
        // There is no timer with a name that is too long.
        if let name = try? name.get() { guest.host?.cancelTimer(name) }
        return nil
      },
      entry("openstarry:agent/refusal", "retry-after", ">I") { (guest, _) throws(GuestFault) in
        // Rounded up: a wait above zero must not become 0, which means unknown.
        guest.retryAfter.map { max(0, ($0.nanoseconds + 999_999) / 1_000_000) } ?? 0
      },
      entry("openstarry:agent/clock", "monotonic-now", ">I") { (guest, _) throws(GuestFault) in
        Int64(bitPattern: guest.host?.now ?? 0)
      },
      entry("openstarry:agent/random", "get-u64", ">I") { (_, _) throws(GuestFault) in
        Int64(bitPattern: UInt64.random(in: .min ... .max))
      },
    ]
  }

  private static func entry(
    _ module: String, _ name: String, _ signature: Signature,
    _ body: @escaping (Guest, CallArguments) throws(GuestFault) -> Int64?
  ) -> Entry {
    Entry(name: ImportName(module: "\(module)@\(ABI.version)", name: name), signature: signature, body: .now(body))
  }
}
