import CLinux
import Linux
import Model

/// Reads files for agents.
package final class AgentFiles: FileReading {
  /// The longest file that an agent may read, in bytes.
  static let limit = 1 << 20

  /// A reader of this system's files.
  package init() {}

  package func resolve(_ path: String) -> String? { try? Files.resolve(path) }

  package func read(_ path: String) throws(AgentError) -> [UInt8] {
    // Only regular files: reading a device or FIFO could block or have side effects.
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
