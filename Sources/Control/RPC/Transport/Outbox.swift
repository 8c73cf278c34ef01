import Linux
import Wire

/// The send queue of a connection: bytes, and the descriptors that are sent with them.
///
/// The queue has no bound. Its owner applies back-pressure by checking `waiting` before it adds more.
package struct Outbox {
  private final class File {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
  }

  private var bytes: [UInt8] = []
  /// The number of sent bytes at the beginning of `bytes`.
  private var sent = 0
  /// The queued descriptors in order; each is sent with the byte at index `at` of `bytes`.
  private var files: [(at: Int, file: File)] = []
  /// The number of sent descriptors that the other side may not have read yet.
  private var filesSent = 0

  /// Creates an empty queue.
  package init() {}

  /// The number of unsent bytes.
  package var waiting: Int { bytes.count - sent }

  /// The number of descriptors that are queued, or may be unread in the socket.
  package var filesUnderWay: Int { files.count + filesSent }

  /// Adds a line, which must include its line feed.
  package mutating func add(_ line: [UInt8]) {
    if bytes.isEmpty { bytes = line } else { bytes.append(contentsOf: line) }
  }

  /// Adds a line whose first byte carries a descriptor. The queue closes the descriptor when it is sent or dropped.
  package mutating func add(_ line: [UInt8], with file: consuming Descriptor) {
    files.append((bytes.count, File(file)))
    add(line)
  }

  /// Sends as much as the socket accepts.
  /// - Throws: when the other side has closed the connection.
  package mutating func flush(to socket: Int32) throws(SystemError) {
    noteReading(of: socket)
    while waiting > 0 {
      let count: Int
      if let next = files.first, next.at == sent {
        let end = files.count > 1 ? files[1].at : bytes.count
        count = try UnixSocket.send(socket, bytes[sent..<end], with: next.file.descriptor.number)
        if count > 0 {
          files.removeFirst()
          filesSent += 1
        }
      } else {
        count = try UnixSocket.send(socket, bytes[sent..<(files.first?.at ?? bytes.count)])
      }
      if count == 0 { break }
      sent += count
    }
    compact()
  }

  /// Stops counting the sent descriptors once the other side has read everything.
  package mutating func noteReading(of socket: Int32) {
    if filesSent > 0 && UnixSocket.unread(socket) == 0 { filesSent = 0 }
  }

  /// Drops all unsent bytes and descriptors.
  package mutating func discard() {
    bytes = []
    sent = 0
    files = []
  }

  private mutating func compact() {
    if waiting == 0 {
      bytes = []
      sent = 0
    } else if sent > 65536 {
      bytes.removeFirst(sent)
      for index in files.indices { files[index].at -= sent }
      sent = 0
    }
  }
}
