internal import COpenStarry

/// The module's one agent, between `Agent.main()` and its end.
///
/// A module has one thread, and the host calls it once at a time.
nonisolated(unsafe) var guest: AgentBody?
nonisolated(unsafe) private var context: Context?

extension Agent {
  /// The whole program of an agent in a module of its own: one line in `main.swift`, `Thermostat.main()`.
  ///
  /// Makes the agent known to the module's exports, and returns.
  public static func main() { unsafe guest = AgentBody(self) }
}

/// Structured data is CBOR. The host looks for this export, and never calls it.
@_expose(wasm, "openstarry:agent/encoding@0.1.0#cbor")
@_cdecl("openstarry_guest_cbor")
func usesCBOR() {}

@_expose(wasm, "openstarry:agent/handler@0.1.0#start")
@_cdecl("openstarry_guest_start")
func start() -> UnsafeMutablePointer<openstarry_result>? {
  guard unsafe guest != nil else { return unsafe result("no agent: the program has to call main() of its type") }
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

// SAFETY: the host calls these once with what the function returned; the memory is the module's own.

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

/// Memory of the module with a result; `message` says why it failed.
private func result(_ message: String?) -> UnsafeMutablePointer<openstarry_result>? {
  let text = message.map { Array($0.utf8) } ?? []
  let made = unsafe malloc(MemoryLayout<openstarry_result>.size)?.assumingMemoryBound(to: openstarry_result.self)
  unsafe made?.initialize(
    to: openstarry_result(failed: message == nil ? 0 : 1, message: text.handOver(), length: text.count))
  return unsafe made
}
