import CLinux
import Companion
import Glibc
import Linux

/// One end of a connection between the daemon and a companion process. Blocks, with a time limit for each packet.
package final class PacketSocket<Message: PacketMessage> {
  private let socket: Descriptor
  private let peer: String
  /// The descriptor, for an event loop.
  package var number: Int32 { socket.number }

  /// - Parameters:
  ///   - socket: owned from now on.
  ///   - peer: the name of the other side, for errors.
  ///   - patience: the time limit for sending or receiving one packet, in milliseconds.
  package init(_ socket: consuming Descriptor, peer: String, patience: Int) {
    self.socket = socket
    self.peer = peer
    var limit = timeval(tv_sec: patience / 1000, tv_usec: patience % 1000 * 1000)
    let size = socklen_t(MemoryLayout<timeval>.size)
    for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
      // SAFETY: the kernel reads one timeval.
      _ = unsafe setsockopt(self.socket.number, SOL_SOCKET, option, &limit, size)
    }
  }

  /// Sends a message and duplicates of descriptors.
  /// - Throws: EPIPE or ECONNRESET when the other side has gone, EAGAIN when it does not read in time.
  package func send(_ message: Message, _ descriptors: [Int32] = []) throws(SystemError) {
    let bytes = message.bytes
    // SAFETY: both arrays are valid for their counts during the call.
    let sent = System.retry {
      unsafe openstarry_send_message(socket.number, bytes, bytes.count, descriptors, descriptors.count)
    }
    guard sent == bytes.count else { throw SystemError("send", peer) }
  }

  /// Receives a message; skips packets of unknown kinds.
  /// - Returns: the message and its descriptors, owned by the caller; nil when the other side has closed the
  ///   connection.
  /// - Throws: EAGAIN when none came in time.
  package func receive() throws(SystemError) -> (message: Message, descriptors: [Int32])? {
    while true {
      switch next() {
      case .message(let message, let descriptors): return (message, descriptors)
      case .unknown: continue
      case .ended: return nil
      case .nothing: throw SystemError("receive", peer, errno: EAGAIN)
      case .failed(let error): throw error
      }
    }
  }

  /// The result of receiving one packet.
  package enum Next {
    /// A message and its descriptors, owned by the caller.
    case message(Message, [Int32])
    /// A packet of an unknown kind; another packet may be pending.
    case unknown
    /// No packet came in time.
    case nothing
    /// The other side has closed the connection.
    case ended
    case failed(SystemError)
  }

  /// Receives one packet, or waits until the time limit.
  package func next() -> Next {
    var bytes = [UInt8](repeating: 0, count: Message.longest)
    var numbers = [Int32](repeating: -1, count: Int(OPENSTARRY_MOST_DESCRIPTORS))
    var count = 0
    // SAFETY: both arrays have the sizes that are passed.
    let received = System.retry {
      unsafe openstarry_receive_message(socket.number, &bytes, Message.longest, &numbers, &count)
    }
    let error = errno
    let descriptors = Array(numbers.prefix(count))
    if received > 0, let message = Message(Array(bytes.prefix(received))) {
      return .message(message, descriptors)
    }
    for number in descriptors { close(number) }
    if received == 0 { return .ended }
    if received > 0 || error == EMSGSIZE { return .unknown }
    return error == EAGAIN ? .nothing : .failed(SystemError("receive", peer, errno: error))
  }

  /// Waits until the other side has closed the connection, with the time limit for each packet; discards its messages.
  /// - Returns: whether it has closed it.
  @discardableResult
  package func waitForEnd() -> Bool {
    do throws(SystemError) {
      while let rest = try receive() { for number in rest.descriptors { close(number) } }
      return true
    } catch {
      return error.errno == ECONNRESET
    }
  }
}
