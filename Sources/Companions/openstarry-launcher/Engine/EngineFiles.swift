import CLinux

#if !hasFeature(Embedded)
  import Companion
#endif

/// The folder of an engine's container, which its stage makes and the launcher removes. It is named after the stage's
/// process id.
///
/// A stage holds a lock on its folder (flock(2)) as long as it lives: whoever can take it knows that the stage is dead.
/// Folders are made and removed only by those who have locked the folder around them; `isHeld` only tries a stage's lock.
struct EngineFiles {
  private let place: [UInt8]
  private let folder: [UInt8]

  /// - Parameters:
  ///   - place: the folder with those of all stages.
  ///   - stage: the process id of its stage.
  init(in place: [UInt8], of stage: Int32) {
    self.place = place
    folder = place + [0x2F] + [UInt8](digits: UInt64(stage))
  }

  /// The folder that the container gets, with the socket at which it connects.
  var door: [UInt8] { folder + [UInt8]("/door") }

  /// Removes what dead stages have left, makes the folder and keeps it locked.
  /// - Parameter begin: distinguishes this stage from earlier ones with its number.
  /// - Returns: what holds the lock until it is closed; -1 with errno on failure.
  func take(_ begin: [UInt8]) -> Int32 {
    let around = lockPlace(attempts: 250)
    guard around >= 0 else { return -1 }
    defer { close(around) }
    for stage in SmallFiles.numbers(in: place) { EngineFiles(in: place, of: stage).removeIfDead() }
    for path in [folder, door] {
      if SmallFiles.makeFolder(path, mode: 0o700) != 0 { return -1 }
    }
    let own = SmallFiles.open(folder, O_RDONLY | O_DIRECTORY)
    guard own >= 0, openstarry_lock(own) == 0, SmallFiles.create(folder + [UInt8]("/begin"), begin) == 0
    else { return -1 }
    return own
  }

  /// Whether the stage that had this number at `begin` lives.
  func isHeld(since begin: [UInt8]) -> Bool {
    guard SmallFiles.read(folder + [UInt8]("/begin")) == begin else { return false }
    let own = SmallFiles.open(folder, O_RDONLY | O_DIRECTORY)
    guard own >= 0 else { return false }
    defer { close(own) }
    return openstarry_lock(own) != 0
  }

  /// Removes the folder, after the end of the stage; the next stage does when somebody is at work in `place`.
  /// - Parameter attempts: every 20 ms.
  func remove(attempts: Int = 1) {
    let around = lockPlace(attempts: attempts)
    guard around >= 0 else { return }
    removeIfDead()
    close(around)
  }

  private func lockPlace(attempts: Int) -> Int32 {
    let around = SmallFiles.open(place, O_RDONLY | O_DIRECTORY)
    guard around >= 0 else { return -1 }
    for attempt in 1...attempts {
      if openstarry_lock(around) == 0 { return around }
      if attempt < attempts { usleep(20_000) }
    }
    close(around)
    openstarry_set_errno(ETIMEDOUT)
    return -1
  }

  private func removeIfDead() {
    let own = SmallFiles.open(folder, O_RDONLY | O_DIRECTORY)
    guard own >= 0 else { return }
    defer { close(own) }
    guard openstarry_lock(own) == 0 else { return }
    for name: StaticString in ["/door/socket", "/begin", "/pid", "/oom", "/away"] {
      SmallFiles.removeFile(folder + [UInt8](name))
    }
    _ = SmallFiles.removeFolder(door)
    _ = SmallFiles.removeFolder(folder)
  }

  // MARK: What the stage tells the launcher

  /// Notes the first process of the container.
  func note(process: UInt64) { _ = SmallFiles.create(folder + [UInt8]("/pid"), [UInt8](digits: process)) }

  /// Notes that the engine says that the container ran out of memory.
  func noteOutOfMemory() { _ = SmallFiles.create(folder + [UInt8]("/oom"), []) }

  /// Notes that the container could not be started, or has ended, because the engine is away.
  func noteAway() { _ = SmallFiles.create(folder + [UInt8]("/away"), []) }

  /// The first process of the container; nil before it runs.
  var process: Int32? {
    guard let number = SmallFiles.read(folder + [UInt8]("/pid"))?.numbers.first, number > 0 else { return nil }
    return Int32(truncatingIfNeeded: number)
  }

  /// Whether the engine has said that it ran out of memory.
  var isOutOfMemory: Bool { SmallFiles.exists(folder + [UInt8]("/oom")) }

  /// Whether the engine was away.
  var isAway: Bool { SmallFiles.exists(folder + [UInt8]("/away")) }

  /// The folder of its control group of version 2, which the engine has made; empty where there is none.
  var group: [UInt8] {
    guard let process,
      let lines = SmallFiles.read([UInt8]("/proc/") + [UInt8](digits: UInt64(process)) + [UInt8]("/cgroup"))
    else { return [] }
    for line in lines.split(separator: 0x0A) where line.starts(with: [UInt8]("0::/")) && line.count > 4 {
      let folder = [UInt8]("/sys/fs/cgroup") + line.dropFirst(3)
      if SmallFiles.exists(folder + [UInt8]("/memory.current")) { return folder }
    }
    return []
  }
}
