#if !hasFeature(Embedded)
  import Companion
#endif

/// The folder of an engine's container, which its stage makes and the launcher removes.
struct EngineFiles {
  private let folder: [UInt8]

  init(_ folder: [UInt8]) { self.folder = folder }

  /// - Parameters:
  ///   - place: the folder with those of all stages.
  ///   - stage: the process id of its stage.
  init(in place: [UInt8], of stage: Int32) { self.init(place + [0x2F] + [UInt8](digits: UInt64(stage))) }

  var areThere: Bool { SmallFiles.exists(folder) }

  /// The first process of the container; nil before it runs.
  var process: Int32? {
    guard let number = SmallFiles.read(folder + [UInt8]("/pid"))?.numbers.first, number > 0 else { return nil }
    return Int32(truncatingIfNeeded: number)
  }

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

  /// Whether the engine has said that it ran out of memory.
  var isOutOfMemory: Bool { SmallFiles.exists(folder + [UInt8]("/oom")) }

  /// Removes the folder, after the end of the stage.
  func remove() {
    for name: StaticString in ["/door/socket", "/pid", "/oom"] { SmallFiles.removeFile(folder + [UInt8](name)) }
    _ = SmallFiles.removeFolder(folder + [UInt8]("/door"))
    _ = SmallFiles.removeFolder(folder)
  }
}
