import CLinux
import Glibc
import Linux

/// The reading side of a blocking socket: lines, and the descriptors that came beside them.
public struct Receiver: ~Copyable {
  private var framer = LineFramer()
  private var descriptors: [Int32] = []

  /// Nothing received yet.
  public init() {}

  deinit { for descriptor in descriptors { _ = CLinux.close(descriptor) } }

  /// The next line, waiting for it.
  /// - Returns: nil at the end of the stream.
  /// - Throws: EAGAIN when the socket's receive timeout has passed; EMSGSIZE for a line that is too long.
  public mutating func nextLine(from socket: Int32) throws(SystemError) -> ArraySlice<UInt8>? {
    while true {
      switch framer.next() {
      case .line(let line): return line
      case .tooLong: throw SystemError("receive", errno: EMSGSIZE)
      case nil: break
      }
      if framer.isClosed { throw SystemError("receive", errno: EMSGSIZE) }
      var chunk = [UInt8](repeating: 0, count: 16384)
      var descriptor: Int32 = -1
      let count = System.retry {
        // SAFETY: the shim writes at most `chunk.count` bytes, and one int.
        unsafe openstarry_receive_descriptor(socket, &chunk, chunk.count, &descriptor)
      }
      guard count >= 0 else { throw SystemError("receive") }
      if descriptor >= 0 { descriptors.append(descriptor) }
      if count == 0 { return nil }
      framer.append(chunk.prefix(count))
    }
  }

  /// The oldest descriptor that has come and was not taken yet; nil when there is none.
  public mutating func takeDescriptor() -> Descriptor? {
    descriptors.isEmpty ? nil : Descriptor(owning: descriptors.removeFirst())
  }
}
