import CLinux

#if !hasFeature(Embedded)
  import Guardian
#endif

/// A received packet with its descriptors.
struct Packet {
  enum Result {
    case message(GuardianMessage)
    /// A packet of an unknown kind.
    case unknown
    /// No packet is pending.
    case nothing
    /// The other side has closed the connection.
    case ended
  }

  private(set) var result: Result
  private var descriptors: [Int32]

  /// The number of descriptors that have not been taken.
  var count: Int { descriptors.count }

  /// Receives the next packet without blocking.
  static func receive(_ socket: Int32) -> Packet {
    var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    // SAFETY: one structure, which the kernel fills in.
    if unsafe poll(&watched, 1, 0) == 0 { return Packet(result: .nothing, descriptors: []) }
    var bytes = [UInt8](repeating: 0, count: GuardianMessage.longest)
    var numbers = [Int32](repeating: -1, count: Int(OPENSTARRY_MOST_DESCRIPTORS))
    var count = 0
    // SAFETY: both arrays have the sizes that are passed.
    let received = unsafe openstarry_receive_message(socket, &bytes, bytes.count, &numbers, &count)
    let error = openstarry_errno()
    var descriptors: [Int32] = []
    for index in 0..<count { descriptors.append(numbers[index]) }
    if received == 0 { return Packet(result: .ended, descriptors: descriptors) }
    if received < 0 {
      let isPassing = error == EINTR || error == EAGAIN || error == EMSGSIZE
      return Packet(result: isPassing ? .unknown : .ended, descriptors: descriptors)
    }
    bytes.removeLast(bytes.count - received)
    guard let message = GuardianMessage(bytes) else { return Packet(result: .unknown, descriptors: descriptors) }
    return Packet(result: .message(message), descriptors: descriptors)
  }

  /// Transfers ownership of one descriptor to the caller; -1 when there is none at `index`.
  mutating func take(_ index: Int) -> Int32 {
    guard index < descriptors.count else { return -1 }
    return descriptors.remove(at: index)
  }

  /// Transfers ownership of all descriptors to the caller.
  mutating func takeAll() -> [Int32] {
    let all = descriptors
    descriptors = []
    return all
  }

  /// Closes the descriptors that were not taken.
  mutating func closeRest() {
    for number in takeAll() { close(number) }
  }

  /// Sends a message and duplicates of descriptors.
  /// - Returns: false when the other side has gone, or does not read.
  @discardableResult
  static func send(_ socket: Int32, _ message: GuardianMessage, _ descriptors: [Int32]) -> Bool {
    let bytes = message.bytes
    // SAFETY: both arrays are valid for their counts during the call.
    return unsafe openstarry_send_message(socket, bytes, bytes.count, descriptors, descriptors.count) == bytes.count
  }
}
