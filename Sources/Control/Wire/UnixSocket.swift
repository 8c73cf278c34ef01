import CLinux
import Glibc
import Linux
import Model

/// Unix sockets (unix(7)): connected, listened on, and used without a signal when the other side has gone. Streams
/// unless `packets` asks for SOCK_SEQPACKET, which keeps messages apart.
public enum UnixSocket {
  /// The longest path that fits into `sockaddr_un`, in bytes.
  public static let longestPath = 107

  /// Connects, which on a Unix socket blocks only while the listener's queue is full.
  /// - Parameters:
  ///   - limit: how long connecting, and later each `send`, may block; nil waits for ever.
  ///   - nonBlocking: makes the socket non-blocking: a full queue is EAGAIN at once, and `limit` has no meaning.
  /// - Throws: ENOENT no such file, ECONNREFUSED nobody listens, EACCES no right, ENAMETOOLONG, EAGAIN not in time.
  public static func connect(
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

  /// Makes a listening socket at `path`, which must be free.
  ///
  /// The file is created without access for anybody but the daemon's own user, and opened to others by `mode` only
  /// when everything else is done.
  public static func listen(
    _ path: String, mode: UInt32, backlog: Int32 = 16, packets: Bool = false
  ) throws(SystemError) -> Descriptor {
    let socket = try open(nonBlocking: true, packets: packets)
    // bind(2) gives the file the mode of the socket (unix_bind in net/unix/af_unix.c). The umask is the whole process's,
    // and would take rights from what other threads make at this moment.
    guard fchmod(socket.number, 0o600) == 0 else { throw SystemError("fchmod", path) }
    let bound = unsafe withAddress(path) { address, length in unsafe CLinux.bind(socket.number, address, length) }
    guard bound == 0 else { throw SystemError("bind", path) }
    guard CLinux.listen(socket.number, backlog) == 0 else { throw SystemError("listen", path) }
    guard unsafe path.withCString({ unsafe chmod($0, mode) }) == 0 else { throw SystemError("chmod", path) }
    return socket
  }

  /// A connected pair (socketpair(2)), both ends close-on-exec.
  public static func pair(packets: Bool = false) throws(SystemError) -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    // SAFETY: the kernel writes two descriptors.
    let result = unsafe socketpair(AF_UNIX, kind(nonBlocking: false, packets: packets), 0, &ends)
    guard result == 0 else { throw SystemError("socketpair") }
    return (ends[0], ends[1])
  }

  /// The next connection, non-blocking.
  /// - Returns: nil when none waits.
  /// - Throws: EMFILE and ENFILE when there are no descriptors left.
  public static func accept(_ listener: Int32) throws(SystemError) -> Descriptor? {
    let result = System.retry {
      accept4(listener, nil, nil, Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue))
    }
    if result >= 0 { return Descriptor(owning: result) }
    // The client may have given up while it waited.
    if errno == EAGAIN || errno == EWOULDBLOCK || errno == ECONNABORTED { return nil }
    throw SystemError("accept")
  }

  /// Sends what the other side takes; never raises SIGPIPE.
  /// - Returns: how many bytes were taken; 0 when none are now.
  public static func send(_ socket: Int32, _ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
    // SAFETY: the buffer is valid for its count during the call.
    let result = System.retry {
      unsafe bytes.withUnsafeBytes {
        unsafe CLinux.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
    }
    return try taken(result)
  }

  /// Sends bytes with a descriptor beside the first of them. The descriptor stays the caller's.
  /// - Returns: how many bytes were taken; 0 when none are now, and then the descriptor was not sent either.
  public static func send(
    _ socket: Int32, _ bytes: ArraySlice<UInt8>, with descriptor: Int32
  ) throws(SystemError) -> Int {
    precondition(!bytes.isEmpty, "a descriptor travels beside at least one byte")
    // SAFETY: as above; the shim reads nothing else.
    let result = System.retry {
      unsafe bytes.withUnsafeBytes {
        unsafe openstarry_send_descriptor(socket, $0.baseAddress, $0.count, descriptor)
      }
    }
    return try taken(result)
  }

  /// Receives what has arrived, at most 16 KiB.
  /// - Returns: the bytes, empty at the end of the stream; and the descriptor that came beside them, nil for none, which
  ///   is the caller's to close.
  /// - Throws: EAGAIN when nothing has arrived on a non-blocking socket, or within the receive timeout of a blocking one;
  ///   ECONNRESET when the other side has gone with unread bytes.
  public static func receive(_ socket: Int32) throws(SystemError) -> (bytes: ArraySlice<UInt8>, descriptor: Int32?) {
    var chunk = [UInt8](repeating: 0, count: 16384)
    var descriptor: Int32 = -1
    let count = System.retry {
      // SAFETY: the shim writes at most `chunk.count` bytes, and one int.
      unsafe openstarry_receive_descriptor(socket, &chunk, chunk.count, &descriptor)
    }
    guard count >= 0 else { throw SystemError("receive") }
    return (chunk.prefix(count), descriptor < 0 ? nil : descriptor)
  }

  /// How many sent bytes the other side has not read yet (SIOCOUTQ, unix(7)); 0 when the kernel does not say.
  public static func unread(_ socket: Int32) -> Int {
    var count: Int32 = 0
    // SAFETY: the kernel writes one int.
    return unsafe openstarry_ioctl(socket, UInt(TIOCOUTQ), &count) == 0 ? Int(count) : 0
  }

  /// How long receiving may take from now on (SO_RCVTIMEO, socket(7)): EAGAIN after that.
  /// - Parameter limit: nil waits for ever.
  public static func setReceiveTimeout(_ socket: Int32, _ limit: Duration?) { setTimeout(socket, SO_RCVTIMEO, limit) }

  private static func setTimeout(_ socket: Int32, _ option: Int32, _ limit: Duration?) {
    // Zero is no limit.
    let microseconds = limit.map { max(1, $0.nanoseconds / 1000) } ?? 0
    var value = timeval(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
    // SAFETY: the kernel reads the structure. It cannot fail for a socket and such a value.
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

  /// Calls with the address of `path`. One that is too long is reached through its open folder (proc(5),
  /// `/proc/self/fd`); -1 with ENAMETOOLONG when it does not fit even so.
  private static func withAddress(_ path: String, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    guard path.utf8.count > longestPath, let slash = path.lastIndex(of: "/") else {
      return unsafe withShortAddress(path, call)
    }
    do throws(SystemError) {
      let folder = try System.open(String(path[...slash]), Int32(OPENSTARRY_O_PATH) | O_DIRECTORY)
      return unsafe withShortAddress("/proc/self/fd/\(folder.number)/\(path[path.index(after: slash)...])", call)
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
    // SAFETY: every sockaddr_un may be read as a sockaddr; the kernel goes by the length.
    return unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe call($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
