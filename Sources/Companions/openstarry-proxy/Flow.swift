import CLinux

/// One direction of a connection. It reads only what it can pass on: at most one turn's bytes wait here, and while they do
/// the sender is not read, so that its own writes block.
struct Flow {
  enum Outcome { case fine, failed }

  /// Bytes that wait for the receiver, from `start` on.
  private var waiting: [UInt8] = []
  private var start = 0
  /// The bytes that may still be read; nil for any number.
  private var left: UInt64?
  /// Whether the sender has ended, or sent all that it may.
  private(set) var hasEnded = false
  /// Whether the receiver knows.
  private(set) var isOver = false
  /// Whether the last turn has moved anything.
  private(set) var isMoving = false

  /// The bytes of one read, and the reads of one turn: others want theirs.
  static let mostAtOnce = 16_384
  private static let reads = 4

  init(_ first: [UInt8] = [], left: UInt64? = nil) {
    waiting = first
    self.left = left
  }

  var wantsRead: Bool { !hasEnded && waiting.isEmpty }
  var wantsWrite: Bool { !waiting.isEmpty }

  /// Adds bytes that have been read before, as many as the sender may send.
  mutating func add(_ bytes: [UInt8]) {
    let count = left.map { Int(min($0, UInt64(bytes.count))) } ?? bytes.count
    waiting += bytes[..<count]
    take(count)
  }

  private mutating func take(_ count: Int) {
    guard let rest = left else { return }
    left = rest - UInt64(count)
    if left == 0 { hasEnded = true }
  }

  /// Moves what can be moved without waiting.
  mutating func move(from sender: Int32, to receiver: Int32, _ buffer: inout [UInt8]) -> Outcome {
    isMoving = false
    for _ in 0..<Self.reads {
      guard write(to: receiver) else { return .failed }
      guard waiting.isEmpty, !hasEnded else { break }
      let most = left.map { Int(min($0, UInt64(buffer.count))) } ?? buffer.count
      // SAFETY: the buffer has room for `most`.
      let count = unsafe openstarry_receive_bytes(sender, &buffer, most)
      if count < 0 {
        guard openstarry_errno() == EAGAIN else { return .failed }
        break
      }
      isMoving = true
      if count == 0 {
        // The body has not come whole.
        guard left == nil else { return .failed }
        hasEnded = true
        break
      }
      // SAFETY: the buffer has `count` bytes.
      let sent = unsafe openstarry_send_bytes(receiver, buffer, count)
      guard sent >= 0 || openstarry_errno() == EAGAIN else { return .failed }
      if sent < count { waiting = [UInt8](buffer[max(0, sent)..<count]) }
      take(count)
    }
    if hasEnded, waiting.isEmpty, !isOver {
      isOver = true
      // Some servers take the end of the input for the end of the request, so only a tunnel passes it on.
      if left == nil { openstarry_end_output(receiver) }
    }
    return .fine
  }

  /// - Returns: false when the receiver is gone.
  private mutating func write(to receiver: Int32) -> Bool {
    guard !waiting.isEmpty else { return true }
    // SAFETY: the array has the bytes from `start` on.
    let sent = unsafe waiting.withUnsafeBufferPointer {
      unsafe openstarry_send_bytes(receiver, $0.baseAddress! + start, $0.count - start)
    }
    guard sent >= 0 else { return openstarry_errno() == EAGAIN }
    isMoving = true
    start += sent
    if start == waiting.count { (waiting, start) = ([], 0) }
    return true
  }
}
