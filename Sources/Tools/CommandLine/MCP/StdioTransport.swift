import EventLoop
import Glibc
import Linux
import MCPServer
import Model
import RPC

/// MCP over standard input and output: one message a line (modelcontextprotocol.io, "Transports": stdio).
final class StdioTransport {
  private let server: BoardServer
  private let loop: EventLoop
  private var framer = LineFramer()
  private let sink: MessageSink
  private var watch: WatchID?

  /// How long answers may take that the client still waits for when it has closed its end.
  private static let patience = Duration.seconds(2)

  init(_ server: BoardServer, on loop: EventLoop) {
    self.server = server
    self.loop = loop
    sink = MessageSink { [unowned loop] line in
      // Blocking: a client that does not read is not read from either.
      do throws(SystemError) { try System.writeAll(1, line) } catch { loop.stop() }
    }
    server.push = sink
  }

  /// Serves until the client closes its end.
  func run() throws(Failure) {
    do throws(SystemError) {
      watch = try loop.watch(0, for: .readable) { [unowned self] _ in read() }
    } catch {
      // Regular files are always ready, and cannot be watched (epoll_ctl(2)).
      guard error.errno == EPERM else { throw Failure(.failed, "standard input: \(SystemError.text(error.errno))") }
      readAll()
    }
    loop.run()
  }

  private func readAll() {
    guard read() else { return }
    loop.later { [self] in readAll() }
  }

  /// - Returns: false at the end.
  @discardableResult
  private func read() -> Bool {
    var bytes: [UInt8] = []
    let count: Int?
    do throws(SystemError) { count = try System.read(0, into: &bytes, limit: 65_536) } catch { count = 0 }
    framer.append(bytes)
    while let item = framer.next() {
      switch item {
      case .line(let line): server.take(line, answeringTo: sink)
      case .tooLong:
        let error = RPCError(.invalidRequest, "a message is longer than \(LineFramer.limit) bytes")
        sink.send(Response(id: nil, .failure(error)).encoded())
        finish()
        return false
      }
    }
    guard count == 0 else { return true }
    finish()
    return false
  }

  /// Ends when everything is answered, or after `patience`.
  private func finish() {
    if let watch { loop.unwatch(watch) }
    watch = nil
    loop.schedule(after: Self.patience) { [loop] in loop.stop() }
    server.endStreams()
    server.whenIdle { [loop] in loop.stop() }
  }
}
