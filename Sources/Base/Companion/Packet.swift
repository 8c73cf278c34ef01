import CLinux

/// A received packet with its descriptors.
package struct Packet<Message: PacketMessage> {
  /// What a packet contains.
  package enum Result {
    /// A message.
    case message(Message)
    /// A packet of an unknown kind.
    case unknown
    /// No packet is pending.
    case nothing
    /// The other side has closed the connection.
    case ended
  }

  /// What it contains.
  package private(set) var result: Result
  private var descriptors: [Int32]

  private init(_ result: Result, _ descriptors: [Int32]) {
    self.result = result
    self.descriptors = descriptors
  }

  /// The number of descriptors that have not been taken.
  package var count: Int { descriptors.count }

  /// Receives the next packet without blocking.
  package static func receive(_ socket: Int32) -> Packet {
    var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    // SAFETY: one structure, which the kernel fills in.
    if unsafe poll(&watched, 1, 0) == 0 { return Packet(.nothing, []) }
    // Most messages are far shorter than the longest.
    let length = max(0, openstarry_next_length(socket))
    var bytes = [UInt8](repeating: 0, count: min(Message.longest, length))
    var numbers = [Int32](repeating: -1, count: Int(OPENSTARRY_MOST_DESCRIPTORS))
    var count = 0
    // SAFETY: both arrays have the sizes that are passed.
    let received = unsafe openstarry_receive_message(socket, &bytes, bytes.count, &numbers, &count)
    let error = openstarry_errno()
    var descriptors: [Int32] = []
    for index in 0..<count { descriptors.append(numbers[index]) }
    if received == 0 { return Packet(.ended, descriptors) }
    if received < 0 {
      let isPassing = error == EINTR || error == EAGAIN || error == EMSGSIZE
      return Packet(isPassing ? .unknown : .ended, descriptors)
    }
    bytes.removeLast(bytes.count - received)
    guard let message = Message(bytes) else { return Packet(.unknown, descriptors) }
    return Packet(.message(message), descriptors)
  }

  /// Transfers ownership of one descriptor to the caller; -1 when there is none at `index`.
  package mutating func take(_ index: Int) -> Int32 {
    guard index < descriptors.count else { return -1 }
    return descriptors.remove(at: index)
  }

  /// Transfers ownership of all descriptors to the caller.
  package mutating func takeAll() -> [Int32] {
    let all = descriptors
    descriptors = []
    return all
  }

  /// Closes the descriptors that were not taken.
  package mutating func closeRest() {
    for number in takeAll() { close(number) }
  }

  /// Sends a message and duplicates of descriptors.
  /// - Returns: false when the other side has gone, or does not read.
  @discardableResult
  package static func send(_ socket: Int32, _ message: Message, _ descriptors: [Int32] = []) -> Bool {
    let bytes = message.bytes
    // SAFETY: both arrays are valid for their counts during the call.
    return unsafe openstarry_send_message(socket, bytes, bytes.count, descriptors, descriptors.count) == bytes.count
  }
}
