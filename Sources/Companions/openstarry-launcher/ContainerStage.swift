import CLinux

#if !hasFeature(Embedded)
  import Companion
#endif

/// The first program in the sandbox of a container: it starts the container with podman, becomes the parent of the
/// container's first process, and ends as that one does.
///
///     openstarry-launcher --container FOLDER [--network PORT] [--limit-after N] -- PODMAN ARGUMENTS …
///
/// podman leaves the container to a conmon(8), which keeps a copy of the agent's socket, takes a megabyte, and reports
/// the end through files. It is ended as soon as the container runs: its child becomes ours (PR_SET_CHILD_SUBREAPER).
/// Everything podman has made lies in this sandbox and vanishes with it, so nothing has to be cleaned up afterwards.
///
/// podman writes `pid`, `conmon` and `id` to FOLDER, and its own files to FOLDER`/tmp`. Where no control group limits the
/// memory, the launcher says in the variable OPENSTARRY_RLIMIT_DATA how much each process may have (RLIMIT_DATA), in bytes: podman
/// sets it, by an option after its first N words, or this program once the container runs.
///
/// `--network` listens on this port of the sandbox's own loopback, which is the container's too, and passes the listening
/// socket on through descriptor 4.
struct ContainerStage {
  private let folder: [UInt8]
  private let podman: Int32
  /// RLIMIT_DATA for the container once it runs; nil for none, or where podman sets it.
  private let memory: UInt64?
  private var conmon: Int32 = 0
  /// The container's first process; 0 before podman has ended.
  private var container: Int32 = 0

  static func main(_ words: [[UInt8]]) -> Never {
    guard words.count > 3, let dashes = words.firstIndex(of: [UInt8]("--")), dashes >= 2, dashes % 2 == 0 else {
      Stage.usage()
    }
    var (place, port): (Int?, UInt16?)
    for index in stride(from: 2, to: dashes, by: 2) {
      guard let number = words[index + 1].numbers.first else { Stage.usage() }
      if words[index] == [UInt8]("--limit-after") {
        place = Int(number)
      } else {
        port = UInt16(truncatingIfNeeded: number)
      }
    }
    if let port { Stage.listen(port, door: 4) }
    // Nobody in the container makes user namespaces, in which he would have capabilities (user_namespaces(7)).
    guard SmallFiles.write([UInt8]("/proc/sys/user/max_user_namespaces"), [UInt8]("0")) == 0 else {
      Stage.fail("user namespaces cannot be forbidden to the container", openstarry_errno(), 71)
    }
    _ = openstarry_adopt_orphans()
    // bubblewrap passes on every descriptor that it inherits.
    openstarry_close_from(4)
    let signals = Companion.signals([SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2])
    var stage = ContainerStage(words[1], starting: [[UInt8]](words[(dashes + 1)...]), limitAfter: place)
    // The agent's connection ends when the agent closes it.
    close(3)
    while true { stage.wait(signals) }
  }

  private init(_ folder: [UInt8], starting words: [[UInt8]], limitAfter place: Int?) {
    self.folder = folder
    let limit = SmallFiles.read([UInt8]("/proc/self/environ"))?.number(after: "OPENSTARRY_RLIMIT_DATA=")
    var words = words
    if let limit, let place, place <= words.count {
      let text = [UInt8](digits: limit)
      words.insert(contentsOf: [[UInt8]("--ulimit"), [UInt8]("data=") + text + [UInt8](":") + text], at: place)
      memory = nil
    } else {
      memory = limit
    }
    let texts = TextVector(words)
    // SAFETY: every pointer is valid during the call, which returns once the child no longer shares our memory.
    podman = {
      var steps = unsafe openstarry_spawn()
      unsafe steps.program = unsafe UnsafePointer(texts.pointers[0])
      unsafe steps.words = unsafe UnsafePointer(texts.pointers)
      unsafe steps.environment = unsafe UnsafePointer(openstarry_environment())
      unsafe steps.group = -1
      return unsafe openstarry_spawn(&steps)
    }()
    if podman <= 0 { Stage.fail("podman cannot be started", openstarry_errno(), 127) }
  }

  private mutating func wait(_ signals: Int32) {
    var watched = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
    // SAFETY: one structure, which the kernel fills in.
    _ = unsafe poll(&watched, 1, -1)
    while let number = Companion.nextSignal(signals) {
      if number != SIGCHLD, container > 0 { CLinux.kill(container, number) }
    }
    reap()
  }

  private mutating func reap() {
    var (status, used) = (Int32(0), rusage())
    while true {
      // SAFETY: the kernel writes both locals.
      let process = unsafe openstarry_wait(&status, &used)
      if process <= 0 { return }
      let signal = openstarry_exit_signal(status)
      let code = signal != 0 ? 128 + signal : openstarry_exit_code(status)
      if process == podman {
        if code != 0 { exit(code) }
        takeOver()
      } else if process == container {
        exit(code)
      } else if process == conmon, CLinux.kill(container, 0) != 0 {
        exit(reportedCode())
      }
    }
  }

  /// podman has started the container, and has ended.
  private mutating func takeOver() {
    container = number("/pid")
    conmon = number("/conmon")
    guard container > 0, conmon > 0 else {
      Stage.fail("podman has not said which processes are the container's", 0, 71)
    }
    // It may have ended already; conmon then writes how.
    guard CLinux.kill(container, 0) == 0 else { exit(reportedCode()) }
    if let memory { _ = openstarry_limit_data(container, memory) }
    CLinux.kill(conmon, SIGKILL)
  }

  private func number(_ file: StaticString) -> Int32 {
    Int32(truncatingIfNeeded: SmallFiles.read(folder + [UInt8](file))?.numbers.first ?? 0)
  }

  /// The exit code that conmon has written; 255 when it did not.
  private func reportedCode() -> Int32 {
    guard let id = SmallFiles.read(folder + [UInt8]("/id")) else { return 255 }
    for _ in 0..<200 {
      let text = SmallFiles.read(folder + [UInt8]("/tmp/exits/") + id)
      if let code = text?.numbers.first { return Int32(truncatingIfNeeded: code) }
      usleep(5000)
    }
    return 255
  }
}
