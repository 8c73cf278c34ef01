import CLinux

#if !hasFeature(Embedded)
  import Companion
#endif

/// The process that stands for a container of a Docker engine: it makes and starts the container, hands the agent's socket
/// and its log over, passes signals on, and ends as the container does. The container ends with it.
///
///     openstarry-launcher --engine SOCKET FOLDER IMAGE ARGUMENTS SETTINGS
///
/// FOLDER is one in which it makes a folder named after its process id: `door/socket`, at which the container connects
/// (`openstarry-door`), `pid` with the container's first process, and `oom` if the engine says that it ran out of memory.
/// The launcher removes it. ARGUMENTS is a JSON array, or `null` for the image's own. SETTINGS is what the engine is asked
/// for, with places for what only this process knows: `{{image}}`, `{{user}}`, `{{folder}}`,
/// `{{launcher}}`, `{{stage}}`, `{{command}}`.
struct EngineStage {
  private let engine: EngineConnection
  private let folder: [UInt8]
  private let files: EngineFiles
  private let signals: Int32
  /// The container's name; empty before it is asked for.
  private var container: [UInt8] = []
  /// Its first process; 0 before it runs.
  private var process: UInt64 = 0
  /// Where the container connects once; -1 afterwards.
  private var listener: Int32 = -1
  /// Where the engine answers that the container has ended, and what it has said so far.
  private var end: Int32 = -1
  private var answer: [UInt8] = []

  static func main(_ words: [[UInt8]]) -> Never {
    guard words.count == 6 else { Stage.usage() }
    let launcher = getppid()
    openstarry_close_from(4)
    let signals = Companion.signals([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGPIPE])
    // Not SIGKILL, as other children of the launcher get: the container must not outlive us.
    _ = openstarry_signal_at_parents_end(SIGQUIT)
    guard getppid() == launcher, launcher > 1 else { exit(128 + SIGKILL) }
    let own = words[2] + [UInt8]("/") + [UInt8](digits: UInt64(getpid()))
    var stage = EngineStage(engine: EngineConnection(socket: words[1]), folder: own, signals)
    stage.sweep(words[2], launcher)
    stage.endIfAsked()
    stage.listen()
    stage.make(words[3], words[4], words[5], launcher)
    stage.endIfAsked()
    stage.start()
    stage.endIfAsked()
    stage.end = stage.engine.send("POST", stage.path("/wait"))
    guard stage.end >= 0 else { stage.fail("the engine does not say when the container ends", []) }
    while true { stage.turn() }
  }

  private init(engine: EngineConnection, folder: [UInt8], _ signals: Int32) {
    self.engine = engine
    self.signals = signals
    self.folder = folder
    files = EngineFiles(folder)
  }

  // MARK: Start

  /// Removes containers whose stage was killed: its launcher is gone, or has removed its folder.
  private func sweep(_ place: [UInt8], _ launcher: Int32) {
    // {"label":["org.openstarry.folder=PLACE"]}
    let filter = [UInt8]("%7B%22label%22%3A%5B%22org.openstarry.folder%3D") + place + [UInt8]("%22%5D%7D")
    let list = engine.ask("GET", [UInt8]("/containers/json?all=1&filters=") + filter)
    guard list.code == 200 else { fail("the engine does not answer", list.body) }
    for one in list.body.elements {
      guard let labels = one.field("Labels"), let id = one.field("Id")?.unquoted, !id.isEmpty,
        let owner = labels.field("org.openstarry.launcher")?.unquoted.numbers.first,
        let stage = labels.field("org.openstarry.stage")?.unquoted.numbers.first
      else { continue }
      let files = EngineFiles(in: place, of: Int32(truncatingIfNeeded: stage))
      if owner == UInt64(launcher), files.areThere { continue }
      _ = engine.ask("DELETE", [UInt8]("/containers/") + id + [UInt8]("?force=1&v=1"))
      // The number may be that of another stage by now.
      if CLinux.kill(Int32(truncatingIfNeeded: stage), 0) != 0 { files.remove() }
    }
  }

  private mutating func listen() {
    for path in [folder, folder + [UInt8]("/door")] {
      let error = SmallFiles.makeFolder(path, mode: 0o700)
      if error != 0, error != EEXIST { Stage.fail("the folder of the agent's socket cannot be made", error, 71) }
    }
    let path = folder + [UInt8]("/door/socket") + [0]
    // SAFETY: the path ends with a zero byte.
    listener = unsafe path.withUnsafeBytes {
      unsafe openstarry_listen_path($0.baseAddress!.assumingMemoryBound(to: CChar.self))
    }
    guard listener >= 0 else { Stage.fail("the agent's socket cannot be made", openstarry_errno(), 71) }
  }

  private mutating func make(_ image: [UInt8], _ arguments: [UInt8], _ settings: [UInt8], _ launcher: Int32) {
    let found = engine.ask("GET", [UInt8]("/images/") + image + [UInt8]("/json"))
    guard found.code == 200, let declared = found.body.field("Config"),
      let imageID = found.body.field("Id")?.unquoted, !imageID.isEmpty
    else {
      fail("the engine does not have the image: docker load or docker pull puts it there", found.body)
    }
    // They could be written to without a limit, and would stay.
    if let volumes = declared.field("Volumes"), volumes.contains(0x22) {
      fail("the image declares volumes, which agents do not get", [])
    }
    let isOwn = arguments == [UInt8]("null")
    let command =
      (declared.field("Entrypoint") ?? []).elements + (isOwn ? declared.field("Cmd") ?? [] : arguments).elements
    var body = settings.replacing("{{folder}}", with: folder)
    body = body.replacing(
      "{{user}}", with: [UInt8](digits: UInt64(geteuid())) + [0x3A] + [UInt8](digits: UInt64(getegid())))
    body = body.replacing("{{launcher}}", with: [UInt8](digits: UInt64(launcher)))
    // Its name may be another's by now.
    body = body.replacing("{{image}}", with: imageID)
    body = body.replacing("{{stage}}", with: [UInt8](digits: UInt64(getpid())))
    var list: [UInt8] = []
    for word in command { list += (list.isEmpty ? [] : [0x2C]) + word }
    body = body.replacing("\"{{command}}\"", with: list)
    // Known before it is made, so that it can be removed when the answer does not come.
    container = [UInt8]("openstarry-") + [UInt8](digits: UInt64(launcher)) + [0x2D] + [UInt8](digits: UInt64(getpid()))
    let made = engine.ask("POST", [UInt8]("/containers/create?name=") + container, body)
    guard made.code == 201 else { fail("the engine does not make the container", made.body) }
  }

  private mutating func start() {
    let answer = engine.ask("POST", path("/start"))
    guard answer.code == 204 else { fail("the engine does not start the container", answer.body) }
    process = inspect()?.field("Pid")?.numbers.first ?? 0
    _ = SmallFiles.create(folder + [UInt8]("/pid"), [UInt8](digits: process))
  }

  // MARK: Life

  private mutating func turn() {
    var watched = [pollfd](repeating: pollfd(fd: signals, events: Int16(POLLIN), revents: 0), count: 3)
    (watched[1].fd, watched[2].fd) = (end, listener)
    // SAFETY: three structures, which the kernel fills in.
    _ = unsafe poll(&watched, 3, -1)
    if watched[0].revents != 0, let number = nextSignal() { return signal(number) }
    if watched[2].revents != 0 { handOver() }
    if watched[1].revents != 0 { readEnd() }
  }

  private func nextSignal() -> Int32? {
    var info = signalfd_siginfo()
    // SAFETY: the kernel writes one whole structure, or nothing.
    let count = unsafe CLinux.read(signals, &info, MemoryLayout<signalfd_siginfo>.size)
    return count > 0 ? Int32(info.ssi_signo) : nil
  }

  /// Between the steps of a start: ends it if somebody has asked for that.
  private func endIfAsked() {
    var watched = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
    // SAFETY: one structure, which the kernel fills in.
    while unsafe poll(&watched, 1, 0) > 0, let number = nextSignal() {
      if number == SIGQUIT || number == SIGTERM { signal(SIGQUIT) }
    }
  }

  /// Passes the agent's socket and its log to the container's first process, and to no other. Then nobody can connect.
  private mutating func handOver() {
    let connection = openstarry_accept(listener)
    guard connection >= 0 else { return }
    defer { close(connection) }
    var peer = openstarry_peer()
    // SAFETY: the kernel fills in the structure.
    guard unsafe openstarry_peer_of(connection, &peer) == 0, UInt64(peer.pid) == process else { return }
    // SAFETY: both arrays are valid for their counts.
    _ = unsafe openstarry_send_message(connection, [1] as [UInt8], 1, [3, 1] as [Int32], 2)
    close(listener)
    listener = -1
    // The agent's connection ends when the agent closes it.
    close(3)
  }

  private mutating func readEnd() {
    var part = [UInt8](repeating: 0, count: 1024)
    // SAFETY: the array is valid for its count.
    let count = unsafe openstarry_receive_bytes(end, &part, part.count)
    if count > 0, answer.count < 65_536 { answer += part[..<count] } else { finish() }
  }

  private func signal(_ number: Int32) {
    if number == SIGPIPE { return }
    if number == SIGQUIT {
      if !container.isEmpty { remove() }
      files.remove()
      exit(128 + SIGKILL)
    }
    _ = engine.ask("POST", path("/kill?signal=") + [UInt8](digits: UInt64(number)))
  }

  private func finish() -> Never {
    guard let code = EngineConnection.answer(answer).body.field("StatusCode")?.numbers.first else {
      fail("the Docker engine has ended", [])
    }
    if let isOut = inspect()?.field("OOMKilled"), isOut == [UInt8]("true") {
      _ = SmallFiles.create(folder + [UInt8]("/oom"), [])
    }
    remove()
    exit(Int32(truncatingIfNeeded: code))
  }

  private func inspect() -> [UInt8]? { engine.ask("GET", path("/json")).body.field("State") }

  /// Removes the container. An engine may refuse for a while, as while it still starts it.
  private func remove() {
    for _ in 0..<20 {
      let code = engine.ask("DELETE", path("?force=1&v=1")).code
      if code == 204 || code == 404 || code == 0 { return }
      usleep(250_000)
    }
  }

  private func path(_ rest: StaticString) -> [UInt8] { [UInt8]("/containers/") + container + [UInt8](rest) }

  /// Ends the start with a sentence, and what the engine says.
  private func fail(_ text: StaticString, _ answer: [UInt8]) -> Never {
    if !container.isEmpty { remove() }
    var line = [UInt8](text)
    if let reason = answer.field("message"), reason.count > 2 { line += [UInt8](": ") + reason[1..<reason.count - 1] }
    line.append(0x0A)
    // SAFETY: the array is valid for its count.
    _ = unsafe CLinux.write(2, line, line.count)
    exit(125)
  }
}
