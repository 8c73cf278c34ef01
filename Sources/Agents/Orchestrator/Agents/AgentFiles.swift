import CLinux
import Linux
import Model

/// Reads files for agents.
public final class AgentFiles: FileReading {
  /// The most an agent may read at once, in bytes.
  static let limit = 1 << 20

  /// Reads nothing yet.
  public init() {}

  public func resolve(_ path: String) -> String? { try? Files.resolve(path) }

  public func read(_ path: String) throws(AgentError) -> [UInt8] {
    // A device or FIFO is not for reading here, whoever put it there.
    guard Files.isFile(path) else { throw AgentError(.denied, "read '\(path)': not a regular file") }
    do {
      return try Files.read(path, limit: Self.limit)
    } catch {
      switch error.errno {
      case ENOENT, ENOTDIR: throw AgentError(.notFound, "read '\(path)': no such file")
      case EFBIG: throw AgentError(.limited, "read '\(path)': longer than \(Self.limit) bytes")
      default: throw AgentError(.failed, "read '\(path)': \(SystemError.text(error.errno))")
      }
    }
  }
}
