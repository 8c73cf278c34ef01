internal import COpenStarry

/// The module's agent, set by `Agent.main()`.
///
/// SAFETY: a module has one thread, and the host makes one call at a time.
nonisolated(unsafe) var guest: AnyAgent?
nonisolated(unsafe) private var context: Context?

extension Agent {
  /// The main program of an agent's module: one line in `main.swift`, `Thermostat.main()`.
  ///
  /// Registers the agent for the module's exports, and returns.
  public static func main() { unsafe guest = AnyAgent(self) }
}

/// Structured data is CBOR. The host looks for this export, and never calls it.
@_expose(wasm, "openstarry:agent/encoding@0.1.0#cbor")
@_cdecl("openstarry_guest_cbor")
func usesCBOR() {}

@_expose(wasm, "openstarry:agent/handler@0.1.0#start")
@_cdecl("openstarry_guest_start")
func start() -> UnsafeMutablePointer<openstarry_result>? {
  guard unsafe guest != nil else { return unsafe result("no agent: the program must call main() of its type") }
  unsafe context = Context(agent: GuestHost.agent(), host: GuestHost())
  return unsafe result(nil)
}

@_expose(wasm, "openstarry:agent/handler@0.1.0#handle")
@_cdecl("openstarry_guest_handle")
func handle(_ event: UnsafeMutableRawPointer?, _ length: Int) -> UnsafeMutablePointer<openstarry_result>? {
  let bytes = unsafe [UInt8](taking: event, length)
  do throws(AgentError) {
    guard let guest = unsafe guest, var context = unsafe context else {
      throw AgentError(.failed, "it has not started")
    }
    try guest.handle(Event(cbor: bytes), &context)
    return unsafe result(nil)
  } catch {
    return unsafe result(error.description)
  }
}

@_expose(wasm, "openstarry:agent/handler@0.1.0#snapshot")
@_cdecl("openstarry_guest_snapshot")
func snapshot() -> UnsafeMutablePointer<openstarry_bytes>? {
  let report = CBOR.write(unsafe guest?.snapshot() ?? .map([:]))
  let told = unsafe malloc(MemoryLayout<openstarry_bytes>.size)?.assumingMemoryBound(to: openstarry_bytes.self)
  unsafe told?.initialize(to: openstarry_bytes(at: report.handOver(), length: report.count))
  return unsafe told
}

// SAFETY: the host calls these once with the result of the function; the memory is the module's own.

@_expose(wasm, "cabi_post_openstarry:agent/handler@0.1.0#start")
@_cdecl("openstarry_guest_started")
func started(_ result: UnsafeMutablePointer<openstarry_result>?) { unsafe handled(result) }

@_expose(wasm, "cabi_post_openstarry:agent/handler@0.1.0#handle")
@_cdecl("openstarry_guest_handled")
func handled(_ result: UnsafeMutablePointer<openstarry_result>?) {
  guard let result = unsafe result else { return }
  unsafe free(UnsafeMutableRawPointer(mutating: result.pointee.message))
  unsafe free(result)
}

@_expose(wasm, "cabi_post_openstarry:agent/handler@0.1.0#snapshot")
@_cdecl("openstarry_guest_told")
func told(_ text: UnsafeMutablePointer<openstarry_bytes>?) {
  guard let text = unsafe text else { return }
  unsafe free(text.pointee.at)
  unsafe free(text)
}

/// Allocates a result; `message` is the cause of a failure, nil for success.
private func result(_ message: String?) -> UnsafeMutablePointer<openstarry_result>? {
  let text = message.map { Array($0.utf8) } ?? []
  let made = unsafe malloc(MemoryLayout<openstarry_result>.size)?.assumingMemoryBound(to: openstarry_result.self)
  unsafe made?.initialize(
    to: openstarry_result(failed: message == nil ? 0 : 1, message: text.handOver(), length: text.count))
  return unsafe made
}
