import EventLoop
import Linux
import Model
import RPC
import Wire

extension LoopClient {
  /// Connects to the daemon's control socket without blocking, for companions.
  /// - Parameters:
  ///   - path: the socket.
  ///   - trust: the users who may own the socket and run the daemon; nil for any.
  /// - Throws: the reason for the failure; `busy` when the listener's queue is full.
  package static func connect(
    toDaemonAt path: String, on loop: EventLoop, trust: SocketTrust? = nil
  ) throws(ClientError) -> LoopClient {
    try trust?.check(path)
    let socket: Descriptor
    do throws(SystemError) {
      socket = try UnixSocket.connect(path, nonBlocking: true)
    } catch {
      throw .connecting(path, error, group: SocketOwner.group(of: path))
    }
    try trust?.check(socket.number, path)
    do throws(SystemError) {
      return try LoopClient(socket, on: loop)
    } catch {
      throw .system(error)
    }
  }
}
