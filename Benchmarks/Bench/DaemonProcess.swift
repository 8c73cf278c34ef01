import CLinux
import Linux

/// A daemon under measurement: started with a notify socket, so that READY is seen the moment it is said.
final class DaemonProcess {
  let pid: Int32
  /// From the start of the process to READY=1, in milliseconds.
  let startMilliseconds: Double

  /// Starts a daemon and waits for READY.
  /// - Parameters:
  ///   - folder: a scratch folder of its own, for its home and sockets.
  ///   - arguments: behind the program's name.
  init(_ program: String, folder: String, arguments: [String]) throws(SystemError) {
    let path = "\(folder)/notify"
    let receiver = try Self.bind(path)
    var pid: pid_t = 0
    let begin = System.monotonicNanoseconds()
    let words = [program] + arguments
    let environment = ["NOTIFY_SOCKET=\(path)", "PATH=/usr/bin:/bin"]
    let result = Self.withCStrings(words) { words in
      Self.withCStrings(environment) { environment in
        // SAFETY: both vectors are null-terminated and outlive the call.
        unsafe posix_spawn(&pid, program, nil, nil, words, environment)
      }
    }
    guard result == 0 else { throw SystemError("start", program, errno: result) }
    self.pid = pid
    var said: [UInt8] = []
    while !String(decoding: said, as: UTF8.self).contains("READY=1") {
      guard let count = try System.read(receiver.number, into: &said), count > 0 else {
        throw SystemError("wait for READY", program, errno: EPROTO)
      }
    }
    startMilliseconds = Double(System.monotonicNanoseconds() - begin) / 1e6
    _ = path.withCString { unsafe unlink($0) }
  }

  /// Ends it and waits until it has ended.
  func stop() {
    kill(pid, SIGTERM)
    var status: Int32 = 0
    _ = System.retry { unsafe waitpid(pid, &status, 0) }
  }

  private static func bind(_ path: String) throws(SystemError) -> Descriptor {
    let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    let receiver = try Descriptor(checking: number, "socket")
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    _ = unsafe setsockopt(
      receiver.number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
    let bound = unsafe withUnsafePointer(to: &name) { name in
      unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe CLinux.bind(receiver.number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0 else { throw SystemError("bind", path) }
    return receiver
  }

  private static func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    // SAFETY: every copy is freed after the call; the vector ends with a null pointer.
    var pointers: [UnsafeMutablePointer<CChar>?] = unsafe texts.map { unsafe strdup($0) } + [nil]
    defer { unsafe pointers.forEach { unsafe free($0) } }
    return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
  }
}
