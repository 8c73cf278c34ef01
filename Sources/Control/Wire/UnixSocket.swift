import CLinux
import Glibc
import Linux
import Model

/// Unix sockets (unix(7)). Writing to a closed connection raises no SIGPIPE. Sockets are streams, or SOCK_SEQPACKET
/// with
/// `packets`.
package enum UnixSocket {
  /// The greatest length of a path in `sockaddr_un`, in bytes.
  package static let longestPath = 107

  /// Connects. This blocks only while the listener's queue is full.
  /// - Parameters:
  ///   - limit: the time-out of connecting and of each later `send`; nil for none.
  ///   - nonBlocking: creates a non-blocking socket: a full queue is EAGAIN at once, and `limit` has no effect.
  /// - Throws: ENOENT no such file, ECONNREFUSED no listener, EACCES no permission, ENAMETOOLONG, EAGAIN timed out.
  package static func connect(
    _ path: String, packets: Bool = false, within limit: Duration? = nil, nonBlocking: Bool = false
  ) throws(SystemError) -> Descriptor {
    let socket = try open(nonBlocking: nonBlocking, packets: packets)
    setTimeout(socket.number, SO_SNDTIMEO, limit)
    let result = System.retry {
      unsafe withAddress(path) { address, length in unsafe CLinux.connect(socket.number, address, length) }
    }
    guard result == 0 else { throw SystemError("connect", path) }
    return socket
  }

  /// Creates a non-blocking listening socket at `path`, which must not exist.
  ///
  /// The file is created with mode 0600; `mode` is set last.
  package static func listen(
    _ path: String, mode: UInt32, backlog: Int32 = 16, packets: Bool = false
  ) throws(SystemError) -> Descriptor {
    let socket = try open(nonBlocking: true, packets: packets)
    // bind(2) gives the file the mode of the socket (unix_bind in net/unix/af_unix.c). The alternative, umask(2), would
    // also affect files that other threads create at this moment.
    guard fchmod(socket.number, 0o600) == 0 else { throw SystemError("fchmod", path) }
    let bound = unsafe withAddress(path) { address, length in unsafe CLinux.bind(socket.number, address, length) }
    guard bound == 0 else { throw SystemError("bind", path) }
    guard CLinux.listen(socket.number, backlog) == 0 else { throw SystemError("listen", path) }
    guard unsafe path.withCString({ unsafe chmod($0, mode) }) == 0 else { throw SystemError("chmod", path) }
    return socket
  }

  /// Creates a connected pair (socketpair(2)) with close-on-exec. The descriptors are the caller's to close.
  package static func pair(packets: Bool = false) throws(SystemError) -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    // SAFETY: the kernel writes two descriptors.
    let result = unsafe socketpair(AF_UNIX, kind(nonBlocking: false, packets: packets), 0, &ends)
    guard result == 0 else { throw SystemError("socketpair") }
    return (ends[0], ends[1])
  }

  /// Refuses descriptors that the other end passes: whoever drops the last one of a socket may have to wait for its
  /// network (SO_LINGER of socket(7)). Kernels before Linux 6.16 do not know the option, and pass them on.
  package static func refuseDescriptors(_ socket: Int32) {
    var isTaken: Int32 = 0
    // SAFETY: the kernel reads one int. The number is that of SO_PASSRIGHTS (asm-generic/socket.h).
    _ = unsafe setsockopt(socket, SOL_SOCKET, 83, &isTaken, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Accepts the next connection as a non-blocking socket.
  /// - Returns: nil when no connection is pending.
  /// - Throws: EMFILE and ENFILE when no descriptor is free.
  package static func accept(_ listener: Int32) throws(SystemError) -> Descriptor? {
    let result = System.retry {
      accept4(listener, nil, nil, Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue))
    }
    if result >= 0 { return Descriptor(owning: result) }
    // ECONNABORTED: the client has closed the connection before it was accepted.
    if errno == EAGAIN || errno == EWOULDBLOCK || errno == ECONNABORTED { return nil }
    throw SystemError("accept")
  }

  /// Sends as much as the socket accepts; never raises SIGPIPE.
  /// - Returns: the number of accepted bytes; 0 when the socket's buffer is full, or after a blocking socket's
  ///   time-out.
  package static func send(_ socket: Int32, _ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
    // SAFETY: the buffer is valid for its count during the call.
    let result = System.retry {
      unsafe bytes.withUnsafeBytes {
        unsafe CLinux.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
    }
    return try taken(result)
  }

  /// Sends bytes, the first of which carries a descriptor. The descriptor stays the caller's.
  /// - Returns: the number of accepted bytes; 0 when the socket's buffer is full, and the descriptor was not sent
  ///   either.
  package static func send(
    _ socket: Int32, _ bytes: ArraySlice<UInt8>, with descriptor: Int32
  ) throws(SystemError) -> Int {
    precondition(!bytes.isEmpty, "a descriptor needs at least one byte to be sent with")
    // SAFETY: as above; the shim reads nothing else.
    let result = System.retry {
      unsafe bytes.withUnsafeBytes {
        unsafe openstarry_send_descriptor(socket, $0.baseAddress, $0.count, descriptor)
      }
    }
    return try taken(result)
  }

  /// Receives at most 16 KiB.
  /// - Returns: the bytes, empty at the end of the stream; and the descriptor that was sent with them, nil for none,
  ///   which is the caller's to close.
  /// - Throws: EAGAIN when a non-blocking socket has no data, or after a blocking socket's receive timeout; ECONNRESET
  ///   when the other side closed the connection without reading everything.
  package static func receive(_ socket: Int32) throws(SystemError) -> (bytes: ArraySlice<UInt8>, descriptor: Int32?) {
    var chunk = [UInt8](repeating: 0, count: 16384)
    var descriptor: Int32 = -1
    let count = System.retry {
      // SAFETY: the shim writes at most `chunk.count` bytes and one int.
      unsafe openstarry_receive_descriptor(socket, &chunk, chunk.count, &descriptor)
    }
    guard count >= 0 else { throw SystemError("receive") }
    return (chunk.prefix(count), descriptor < 0 ? nil : descriptor)
  }

  /// The number of sent bytes that the other side has not read yet (SIOCOUTQ, unix(7)); 0 when the kernel cannot report
  /// it.
  package static func unread(_ socket: Int32) -> Int {
    var count: Int32 = 0
    // SAFETY: the kernel writes one int.
    return unsafe openstarry_ioctl(socket, UInt(TIOCOUTQ), &count) == 0 ? Int(count) : 0
  }

  /// Sets the time-out of each later `receive` (SO_RCVTIMEO, socket(7)), which fails with EAGAIN after it.
  /// - Parameter limit: nil for none.
  package static func setReceiveTimeout(_ socket: Int32, _ limit: Duration?) { setTimeout(socket, SO_RCVTIMEO, limit) }

  private static func setTimeout(_ socket: Int32, _ option: Int32, _ limit: Duration?) {
    // The kernel takes 0 for no limit.
    let microseconds = limit.map { max(1, $0.nanoseconds / 1000) } ?? 0
    var value = timeval(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
    // SAFETY: the kernel reads the structure. The call cannot fail for a socket and a valid time.
    _ = unsafe setsockopt(socket, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<timeval>.size))
  }

  private static func taken(_ result: Int) throws(SystemError) -> Int {
    if result >= 0 { return result }
    if errno == EAGAIN || errno == EWOULDBLOCK { return 0 }
    throw SystemError("send")
  }

  private static func kind(nonBlocking: Bool, packets: Bool) -> Int32 {
    let kind = packets ? SOCK_SEQPACKET.rawValue : SOCK_STREAM.rawValue
    return Int32(kind | SOCK_CLOEXEC.rawValue | (nonBlocking ? SOCK_NONBLOCK.rawValue : 0))
  }

  private static func open(nonBlocking: Bool, packets: Bool) throws(SystemError) -> Descriptor {
    try Descriptor(checking: socket(AF_UNIX, kind(nonBlocking: nonBlocking, packets: packets), 0), "socket")
  }

  /// Calls `call` with the address of `path`. A path that is too long is shortened by opening its folder and using
  /// `/proc/self/fd` (proc(5)). Returns -1 with ENAMETOOLONG if the file's name is too long even then.
  private static func withAddress(_ path: String, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    guard path.utf8.count > longestPath, let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else {
      return unsafe withShortAddress(path, call)
    }
    do throws(SystemError) {
      let folder = try System.open(String(path[...slash]), Int32(OPENSTARRY_O_PATH) | O_DIRECTORY)
      return unsafe withShortAddress("/proc/self/fd/\(folder.number)/\(path[path.utf8.index(after: slash)...])", call)
    } catch {
      errno = error.errno
      return -1
    }
  }

  private static func withShortAddress(
    _ path: String, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    let bytes = Array(path.utf8)
    guard bytes.count <= longestPath, !bytes.isEmpty, !bytes.contains(0) else {
      errno = bytes.isEmpty ? ENOENT : ENAMETOOLONG
      return -1
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // SAFETY: the path is shorter than the array, whose rest is zero.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    // SAFETY: a sockaddr_un may be passed as a sockaddr with its length.
    return unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe call($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
