#if !hasFeature(Embedded)
  import Glibc
  import Linux

  /// The socket between a process agent and the daemon: lines of JSON, read and written with blocking calls.
  struct AgentChannel {
    /// The longest line in bytes, without its line feed.
    static let longest = 1 << 20

    /// A received line.
    enum Item {
      case message(Value)
      /// A line that is not a message, with the error to answer.
      case unreadable(code: Int64, String)
    }

    private let descriptor: Int32
    private var buffer: [UInt8] = []
    /// The buffer has no line feed before this index.
    private var scanned = 0
    /// Whether the bytes up to the next line feed belong to a line that is too long.
    private var isSkipping = false

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Waits for the next line that is not empty.
    /// - Returns: nil if the daemon has closed the socket.
    mutating func receive() throws(SystemError) -> Item? {
      while true {
        if let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
          let line = Array(buffer[..<end])
          buffer.removeFirst(end + 1)
          scanned = 0
          if isSkipping { isSkipping = false } else if let item = Self.item(line) { return item }
          continue
        }
        scanned = buffer.count
        if buffer.count > Self.longest {
          buffer = []
          scanned = 0
          if !isSkipping {
            isSkipping = true
            return .unreadable(code: -32600, "a line is longer than \(Self.longest) bytes")
          }
        }
        guard let count = try System.read(descriptor, into: &buffer, limit: 4096), count > 0 else { return nil }
      }
    }

    private static func item(_ line: [UInt8]) -> Item? {
      if line.isEmpty { return nil }
      if line.count > longest { return .unreadable(code: -32600, "a line is longer than \(longest) bytes") }
      do throws(AgentError) {
        return .message(try JSONText.read(line))
      } catch {
        return .unreadable(code: -32700, error.message)
      }
    }

    /// Writes a message.
    /// - Throws: `limited` if it is too long.
    func send(_ message: Fields) throws(AgentError) {
      let line = JSONText.write(.map(["jsonrpc": "2.0"] + message))
      guard line.count <= Self.longest else {
        throw AgentError(.limited, "the message has \(line.count) bytes; the limit is \(Self.longest)")
      }
      do throws(SystemError) {
        try System.writeAll(descriptor, line + [UInt8(ascii: "\n")])
      } catch {
        // The daemon is gone.
        exit(0)
      }
    }
  }

  extension Fields {
    fileprivate static func + (left: Fields, right: Fields) -> Fields {
      right.reduce(into: left) { $0[$1.key] = $1.value }
    }
  }
#endif
