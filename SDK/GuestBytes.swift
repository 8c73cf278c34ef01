internal import COpenStarry

// SAFETY of this file: the host passes memory that it allocated with our `cabi_realloc`. The length is exact, and the memory
// is ours from then on. If the length is 0, the address is not used.

extension [UInt8] {
  /// Copies memory from the host, and frees it.
  init(taking memory: UnsafeMutableRawPointer?, _ count: Int) {
    guard count > 0, let memory = unsafe memory else {
      self = []
      return
    }
    self = unsafe Array(UnsafeRawBufferPointer(start: memory, count: count))
    unsafe free(memory)
  }

  /// A copy in memory that the host or `free` takes; nil if empty.
  func handOver() -> UnsafeMutablePointer<CChar>? {
    guard count > 0, let memory = unsafe malloc(count) else { return nil }
    unsafe withUnsafeBytes { unsafe memory.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    return unsafe memory.assumingMemoryBound(to: CChar.self)
  }

  /// Passes the bytes as two parameters: address and length.
  func lend<Result>(_ body: (UnsafePointer<CChar>?, Int) -> Result) -> Result {
    unsafe withUnsafeBytes { unsafe body($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count) }
  }
}

extension String {
  /// Passes the text as two parameters: address and length.
  func lend<Result>(_ body: (UnsafePointer<CChar>?, Int) -> Result) -> Result {
    var text = self
    return text.withUTF8 { bytes in
      unsafe body(UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self), bytes.count)
    }
  }
}

// In a module texts are equal if their bytes are. Elsewhere Swift compares them by Unicode's canonical equivalence, which
// would add 16 KB of code and 32 KB of tables.
extension String {
  /// Whether both have the same bytes.
  public static func == (left: String, right: String) -> Bool { left.isSame(as: right) }
  /// Whether the bytes differ.
  public static func != (left: String, right: String) -> Bool { !left.isSame(as: right) }
  /// Whether both have the same bytes, for `case`.
  public static func ~= (left: String, right: String) -> Bool { left.isSame(as: right) }
}

/// Makes a call that can fail.
/// - Returns: the host's result.
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
