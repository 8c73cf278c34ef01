import AgentWASM
import CLinux
import Linux
import OpenStarryAgent

/// A measured daemon, started with a notify socket to observe READY.
final class DaemonProcess {
  let pid: Int32
  /// From the start of the process to READY=1, in milliseconds.
  let startMilliseconds: Double
  private let receiver: Descriptor
  private let place: String

  /// Starts a daemon and waits for READY.
  /// - Parameters:
  ///   - folder: a scratch folder of its own for the home and the sockets.
  ///   - arguments: without the program's name.
  ///   - environment: additional variables, each `NAME=value`.
  init(
    _ program: String, folder: String, arguments: [String], environment: [String] = []
  ) throws(SystemError) {
    let path = "\(folder)/notify"
    place = path
    let receiver = try Self.bind(path)
    let begin = System.monotonicNanoseconds()
    pid = try Spawn.start(
      program, [program] + arguments,
      environment: ["NOTIFY_SOCKET=\(path)", "PATH=/usr/bin:/bin"] + environment
        + (EngineLibrary.find().map { ["\(EngineLibrary.variable)=\($0)"] } ?? []))
    var said: [UInt8] = []
    while !String(decoding: said, as: UTF8.self).holds("READY=1") {
      guard let count = try System.read(receiver.number, into: &said), count > 0 else {
        throw SystemError("wait for READY", program, errno: EPROTO)
      }
    }
    startMilliseconds = Double(System.monotonicNanoseconds() - begin) / 1e6
    self.receiver = receiver
  }

  /// Waits until the daemon has sent no notification for this time, like a service manager's watchdog.
  func waitForSilence(milliseconds: Int32) {
    var said: [UInt8] = []
    var watched = pollfd(fd: receiver.number, events: Int16(POLLIN), revents: 0)
    // SAFETY: one structure, which the kernel fills in.
    while unsafe poll(&watched, 1, milliseconds) > 0 {
      said.removeAll(keepingCapacity: true)
      _ = try? System.read(receiver.number, into: &said)
    }
  }

  /// Sends a signal, and waits for the exit.
  func stop(_ signal: Int32 = SIGTERM) {
    kill(pid, signal)
    _ = try? Spawn.wait(for: pid)
    Files.remove(place)
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
}
