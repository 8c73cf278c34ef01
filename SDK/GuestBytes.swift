internal import COpenStarry

// SAFETY of this file: what the host hands over is memory of ours from `cabi_realloc`, of exactly the length that comes
// with it, and nobody else's from then on. Of an empty text only the length counts.

extension [UInt8] {
  /// Takes what the host handed over, and gives its memory back.
  init(taking memory: UnsafeMutableRawPointer?, _ count: Int) {
    guard count > 0, let memory = unsafe memory else {
      self = []
      return
    }
    self = unsafe Array(UnsafeRawBufferPointer(start: memory, count: count))
    unsafe free(memory)
  }

  /// Memory with a copy, for the host or for `free`; nil when there is nothing.
  func handOver() -> UnsafeMutablePointer<CChar>? {
    guard count > 0, let memory = unsafe malloc(count) else { return nil }
    unsafe withUnsafeBytes { unsafe memory.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    return unsafe memory.assumingMemoryBound(to: CChar.self)
  }

  /// Lends the bytes as a text's two parameters.
  func lend<Result>(_ body: (UnsafePointer<CChar>?, Int) -> Result) -> Result {
    unsafe withUnsafeBytes { unsafe body($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count) }
  }
}

extension String {
  /// Lends the text as its two parameters.
  func lend<Result>(_ body: (UnsafePointer<CChar>?, Int) -> Result) -> Result { unsafe Array(utf8).lend(body) }
}

// In a module texts are equal when their bytes are. Everywhere else Swift also takes those for equal that Unicode calls
// canonically equivalent; with that come 16 KB of code and 32 KB of tables.
extension String {
  /// Whether both are the same, byte by byte.
  public static func == (left: String, right: String) -> Bool { left.isSame(right) }
  /// Whether they differ in any byte.
  public static func != (left: String, right: String) -> Bool { !left.isSame(right) }
  /// Whether both are the same, byte by byte, in a `case`.
  public static func ~= (left: String, right: String) -> Bool { left.isSame(right) }

  @inline(never)
  private func isSame(_ other: String) -> Bool { Array(utf8) == Array(other.utf8) }
}

/// One call that can fail: what the host answers.
func ask(_ call: (UnsafeMutablePointer<openstarry_area>) -> Void) throws(AgentError) -> [UInt8] {
  var area = unsafe openstarry_area()
  unsafe call(&area)
  if unsafe area.failed == 0 { return unsafe [UInt8](taking: area.of.value.at, area.of.value.length) }
  let error = unsafe area.of.error
  let message = unsafe [UInt8](taking: error.message, error.length)
  let wait = openstarry_retry_after()
  throw unsafe AgentError(
    AgentError.Code(wireNumber: error.code), String(decoding: message, as: UTF8.self),
    retryAfter: wait == 0 ? nil : .milliseconds(Int64(clamping: wait)))
}
