#if !hasFeature(Embedded)
  import Glibc
  import Linux

  extension Agent {
    /// The main program of an agent: one line in `main.swift`, `Thermostat.main()`.
    ///
    /// In a process it serves the daemon on file descriptor 3 (`docs/process-abi.md`) until the daemon stops it or exits,
    /// and ends the program. In a WebAssembly module it registers the agent for the module's exports and returns. An agent
    /// that is linked into the daemon does not call it.
    public static func main() { AgentProcess.run { AnyAgent(self) } }
  }

  /// An agent in its own process. It serves the daemon on file descriptor 3, according to `docs/process-abi.md`.
  final class AgentProcess {
    /// The socket's descriptor, the same as the first of sd_listen_fds(3).
    static let descriptor: Int32 = 3

    private let agent: AnyAgent
    private let host: ProcessHost
    private var context: Context

    /// Serves until the daemon stops the agent or exits, then exits with code 0.
    /// - Parameter make: creates the agent; called after the socket was found.
    static func run(_ make: () -> AnyAgent) -> Never {
      Interrupt.ignoreBrokenPipes()
      guard System.isOpen(descriptor) else {
        complain("openstarryd starts this program: file descriptor \(descriptor) must be its socket")
        exit(64)
      }
      // What the agent starts must not speak for it.
      System.setCloseOnExec(descriptor)
      AgentProcess(make()).serve()
    }

    private init(_ agent: AnyAgent) {
      self.agent = agent
      host = ProcessHost(AgentChannel(Self.descriptor))
      context = Context(agent: Environment.current()["OPENSTARRY_AGENT_ID"] ?? "", host: host)
    }

    private func serve() -> Never {
      host.tell("ready", ["abi": 1])
      while true {
        let request = host.next()
        let result = answer(to: request)
        System.flushOutput()
        // Notifications are not answered. Messages that are not requests are: with `id` null.
        if let id = request["id"] ?? (request["method"] == nil ? Value.null : Value?.none) { host.answer(id, result) }
        if request["method"]?.string == "stop" { exit(0) }
      }
    }

    private func answer(to request: Value) -> Result<Value, RemoteError> {
      switch request["method"]?.string {
      case "activate":
        do throws(AgentError) {
          guard let event = request["params"]?["event"] else {
            throw AgentError(.invalid, "activate takes the parameter 'event'")
          }
          try agent.handle(Event(event), &context)
          return .success([:])
        } catch {
          return .failure(RemoteError(error))
        }
      case "snapshot": return .success(["snapshot": agent.snapshot()])
      case "stop": return .success([:])
      // Do not repeat the name: it is untrusted.
      case _?: return .failure(RemoteError(code: -32601, message: "there is no such method"))
      case nil: return .failure(RemoteError(code: -32600, message: "a request is a map with a method"))
      }
    }

    /// Writes to standard error, the agent's log.
    private static func complain(_ message: String) {
      try? System.writeAll(2, Array("\(message)\n".utf8))
    }
  }

  /// A JSON-RPC error.
  struct RemoteError: Error {
    var code: Int64
    var message: String
    var retryAfter: Duration?

    init(code: Int64, message: String, retryAfter: Duration? = nil) {
      self.code = code
      self.message = message
      self.retryAfter = retryAfter
    }

    init(_ error: AgentError) {
      code = Self.codes.first { $0.code == error.code }?.number ?? -32026
      message = error.message
      retryAfter = error.retryAfter
    }

    /// The error that the agent's call throws.
    var agentError: AgentError {
      AgentError(Self.codes.first { $0.number == code }?.code ?? .failed, message, retryAfter: retryAfter)
    }

    /// The codes of the control protocol (`docs/control.md`, section 5).
    private static let codes: [(code: AgentError.Code, number: Int64)] = [
      (.notFound, -32020), (.denied, -32021), (.busy, -32022), (.limited, -32023), (.invalid, -32024),
      (.unavailable, -32025), (.failed, -32026), (.waiting, -32028), (.invalid, -32602),
    ]
  }
#endif
