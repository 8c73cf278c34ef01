import EventLoopTestKit
import Glibc
import Launcher
import LauncherClient
import Linux
import Wire

extension LauncherLink {
  /// Runs a program to its end.
  /// - Parameters:
  ///   - filter: the file of a seccomp filter, for descriptor 4.
  ///   - door: the descriptor through which the sandbox passes its listening socket out.
  /// - Returns: its exit code, nil when it was not started, and what it wrote.
  package func output(
    of plan: (UInt32) -> LaunchPlan, filter: String? = nil, door: Int32? = nil
  ) throws -> (code: Int32?, text: String) {
    let pipe = try System.pipe(size: 1 << 20)
    let (reading, writing) = (pipe.reading, pipe.writing)
    defer { Glibc.close(reading) }
    let file = try filter.map { try System.open($0, O_RDONLY).release() } ?? -1
    var code: Int32?
    var isOver = false
    let sockets = try UnixSocket.pair()
    defer { for end in [sockets.0, sockets.1] { Glibc.close(end) } }
    _ = try start(plan, [sockets.1, writing] + (file >= 0 ? [file] : []) + (door.map { [$0] } ?? [])) { news in
      switch news {
      case .ended(let end): (code, isOver) = (end.code, true)
      case .refused, .lost: isOver = true
      case .started, .usage: break
      }
    }
    Glibc.close(writing)
    if file >= 0 { Glibc.close(file) }
    loop.run(until: { isOver })
    var bytes: [UInt8] = []
    while let count = try System.read(reading, into: &bytes), count > 0 {}
    return (code, String(decoding: bytes, as: UTF8.self))
  }
}
