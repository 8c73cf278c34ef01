import CLinux

#if !hasFeature(Embedded)
  import Companion
#endif

/// The process that stands for a container of a Docker engine: it makes and starts the container, hands the agent's socket
/// and its log over, passes signals on, and ends as the container does. The container ends with it.
///
///     openstarry-launcher --engine SOCKET FOLDER IMAGE ARGUMENTS SETTINGS
///
/// FOLDER is one in which it makes a folder named after its process id (`EngineFiles`). ARGUMENTS is a JSON array, or `null`
/// for the image's own. SETTINGS is what the engine is asked for, with places for what only this process knows: `{{image}}`,
/// `{{uid}}`, `{{gid}}`, `{{door}}`, `{{stage}}`, `{{begin}}`, `{{command}}`.
///
///     openstarry-launcher --engine SOCKET
///
/// says which engine answers there, or why none does.
struct EngineStage {
  /// How long the engine may take for the whole start, in seconds: less than the daemon waits, so that the reason is known.
  /// Making a container may need a slow disk.
  private static let startPatience: UInt64 = 25
  /// How long it may take for anything else, in seconds: less than the daemon waits for an end.
  static let patience: UInt64 = 5

  var engine: EngineConnection
  let files: EngineFiles
  /// Shows that we live.
  var lock: Int32 = -1
  /// What is passed on to the container.
  let signals: Int32
  /// SIGQUIT: the container has to end.
  let order: Int32
  /// The container's name; empty before it is asked for.
  var container: [UInt8] = []
  /// Its first process; 0 before it runs.
  var process: UInt64 = 0
  /// A descriptor of that (pidfd_open(2)); -1 before it runs. The kernel knows it also when the engine does not answer.
  var first: Int32 = -1
  /// Where the container connects once; -1 afterwards.
  var listener: Int32 = -1
  /// Where the engine answers that the container has ended, and what it has said so far.
  var end: Int32 = -1
  var answer: [UInt8] = []
  /// When the engine has to have said so, as the first process is gone; 0 while that lives.
  var due: UInt64 = 0

  static func main(_ words: [[UInt8]]) -> Never {
    if words.count == 2 { introduce(EngineConnection(socket: words[1])) }
    guard words.count == 6 else { Stage.usage() }
    let launcher = getppid()
    openstarry_close_from(4)
    let order = Companion.signals([SIGQUIT])
    let signals = Companion.signals([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE])
    // Not SIGKILL, as other children of the launcher get: the container must not outlive us.
    _ = openstarry_signal_at_parents_end(SIGQUIT)
    guard getppid() == launcher, launcher > 1 else { exit(128 + SIGKILL) }
    let begin = [UInt8](digits: Companion.monotonicNow())
    var stage = EngineStage(
      engine: EngineConnection(socket: words[1]), files: EngineFiles(in: words[2], of: getpid()), signals: signals,
      order: order)
    stage.takeFolder(words[2], begin)
    stage.engine.interruption = order
    stage.engine.allow(seconds: startPatience)
    stage.agreeOnVersion()
    stage.sweep(words[2])
    stage.listen()
    stage.make(words[3], words[4], words[5], begin)
    stage.start()
    stage.end = stage.engine.send("POST", stage.path("/wait"))
    if stage.end < 0 { stage.lose(openstarry_errno()) }
    while true { stage.turn() }
  }

  /// Says which engine answers, or why none does.
  private static func introduce(_ engine: EngineConnection) -> Never {
    var engine = engine
    engine.allow(seconds: patience)
    engine.version = []
    let answer = engine.ask("GET", [UInt8]("/version"))
    let version = answer.body.field("Version")?.unquoted ?? []
    let isEngine = answer.code == 200 && !version.isEmpty
    write(isEngine ? version : engine.sentence(of: answer.code == 0 ? answer.errno : EPROTO))
    exit(isEngine ? 0 : 125)
  }

  /// A request of the start, which ends if somebody has asked for that.
  private mutating func ask(_ method: StaticString, _ path: [UInt8], _ body: [UInt8] = []) -> EngineConnection.Answer {
    let answer = engine.ask(method, path, body)
    endIfAsked()
    if answer.code == 0 || answer.code == 503 { lose(answer.code == 0 ? answer.errno : ETIMEDOUT) }
    return answer
  }

  private mutating func takeFolder(_ place: [UInt8], _ begin: [UInt8]) {
    var error = SmallFiles.ownFolderError(place)
    if error == 0 {
      lock = files.take(begin)
      if lock >= 0 { return }
      error = openstarry_errno()
    }
    Self.write(
      [UInt8]("the folder of the agent's socket cannot be made in ") + place + [UInt8](": ")
        + (error == EPERM ? [UInt8]("others may write to it (chmod 700)") : [UInt8](error: error)))
    exit(125)
  }

  /// Engines give up old versions of their API: Docker 29 knows none before 1.44.
  private mutating func agreeOnVersion() {
    let version = engine.version
    engine.version = []
    let least = ask("GET", [UInt8]("/version")).body.field("MinAPIVersion")?.unquoted.numbers ?? []
    engine.version = version
    if least.count == 2, least[0] == 1, least[1] > 40 { engine.version = [UInt8]("/v1.") + [UInt8](digits: least[1]) }
  }

  /// Removes containers whose stage is dead.
  private mutating func sweep(_ place: [UInt8]) {
    // {"label":["org.openstarry.folder=PLACE"]}
    let filter = [UInt8]("%7B%22label%22%3A%5B%22org.openstarry.folder%3D") + place + [UInt8]("%22%5D%7D")
    let list = ask("GET", [UInt8]("/containers/json?all=1&filters=") + filter)
    guard list.code == 200 else { fail("the engine does not list its containers", list) }
    for one in list.body.elements {
      guard let labels = one.field("Labels"), let id = one.field("Id")?.unquoted, !id.isEmpty,
        let stage = labels.field("org.openstarry.stage")?.unquoted.numbers.first
      else { continue }
      let begin = labels.field("org.openstarry.begin")?.unquoted ?? []
      if EngineFiles(in: place, of: Int32(truncatingIfNeeded: stage)).isHeld(since: begin) { continue }
      _ = ask("DELETE", [UInt8]("/containers/") + id + [UInt8]("?force=1&v=1"))
    }
  }

  private mutating func listen() {
    let path = files.door + [UInt8]("/socket") + [0]
    // SAFETY: the path ends with a zero byte.
    listener = unsafe path.withUnsafeBytes {
      unsafe openstarry_listen_path($0.baseAddress!.assumingMemoryBound(to: CChar.self))
    }
    guard listener >= 0 else { Stage.fail("the agent's socket cannot be made", openstarry_errno(), 125) }
  }

  private mutating func make(_ image: [UInt8], _ arguments: [UInt8], _ settings: [UInt8], _ begin: [UInt8]) {
    let found = ask("GET", [UInt8]("/images/") + image + [UInt8]("/json"))
    if found.code == 404 {
      Self.write(
        [UInt8]("the engine does not have the image ") + image + [UInt8](": docker load or docker pull puts it there"))
      exit(125)
    }
    guard found.code == 200, let declared = found.body.field("Config"),
      let imageID = found.body.field("Id")?.unquoted, !imageID.isEmpty
    else { fail("the engine does not describe the image", found) }
    // They could be written to without a limit, and would stay.
    if let volumes = declared.field("Volumes"), volumes.contains(0x22) {
      Self.write([UInt8]("the image declares volumes, which agents do not get"))
      exit(125)
    }
    let isOwn = arguments == [UInt8]("null")
    let command =
      (declared.field("Entrypoint") ?? []).elements + (isOwn ? declared.field("Cmd") ?? [] : arguments).elements
    let number = [UInt8](digits: UInt64(getpid()))
    var body = settings.replacing("{{door}}", with: files.door)
    body = body.replacing("{{uid}}", with: [UInt8](digits: UInt64(geteuid())))
    body = body.replacing("{{gid}}", with: [UInt8](digits: UInt64(getegid())))
    // Its name may be another's by now.
    body = body.replacing("{{image}}", with: imageID)
    body = body.replacing("{{stage}}", with: number)
    body = body.replacing("{{begin}}", with: begin)
    var list: [UInt8] = []
    for word in command { list += (list.isEmpty ? [] : [0x2C]) + word }
    body = body.replacing("\"{{command}}\"", with: list)
    // Known before it is made, so that it can be removed when the answer does not come.
    container = [UInt8]("openstarry-") + number + [0x2D] + begin
    let made = ask("POST", [UInt8]("/containers/create?name=") + container, body)
    guard made.code == 201 else { fail("the engine does not make it", made) }
  }

  private mutating func start() {
    let answer = ask("POST", path("/start"))
    guard answer.code == 204 else { fail("the engine does not start it", answer) }
    let state = ask("GET", path("/json")).body.field("State")
    process = state?.field("Pid")?.numbers.first ?? 0
    if process > 0 { first = openstarry_pidfd_open(Int32(truncatingIfNeeded: process)) }
    files.note(process: process)
  }

  func path(_ rest: StaticString) -> [UInt8] { [UInt8]("/containers/") + container + [UInt8](rest) }
}
