import CFaults
import FaultKit
import Glibc
import Linux

/// Folders in memory for the successive daemons of a run. Every file operation in them goes through the run's `Disk`.
final class Folders: FolderMaker {
  /// The disks that file operations go to: the run's disk and its memory. Used only on the campaign's single thread.
  nonisolated(unsafe) private static var disks: [Disk] = []
  private let root: String
  private var number = 0

  /// Creates the root folder of all others; its path ends with a slash.
  init() throws(SystemError) {
    let memory = Files.isFolder("/dev/shm") ? "/dev/shm" : "/tmp"
    root = "\(memory)/openstarry-faults-\(getpid())/"
    try Files.makeFolder(root)
    unsafe root.withCString { folder in
      unsafe faults_follow(folder) { operation, descriptor, path, other, bytes, count, offset in
        // SAFETY: texts end with a zero, and `bytes` has `count` bytes, for the time of the call.
        let path = unsafe path.map { unsafe String(cString: $0) }
        let other = unsafe other.map { unsafe String(cString: $0) }
        let contents = unsafe bytes.map { unsafe [UInt8](UnsafeRawBufferPointer(start: $0, count: count)) }
        return Folders.happened(operation, descriptor, path, other, contents ?? [], count, offset)
      }
    }
  }

  private static func happened(
    _ operation: Int32, _ descriptor: Int32, _ path: String?, _ other: String?, _ bytes: [UInt8], _ count: Int,
    _ offset: Int
  ) -> Int32 {
    guard let (disk, name) = find(path, descriptor) else { return 0 }
    switch operation {
    case Int32(faults_create.rawValue): return disk.create(name, truncates: Int32(count) & O_TRUNC != 0)
    case Int32(faults_open.rawValue): disk.opened(name, as: descriptor)
    case Int32(faults_close.rawValue): disk.closed(descriptor)
    case Int32(faults_write.rawValue): return disk.write(descriptor, bytes, at: offset)
    case Int32(faults_truncate.rawValue): return disk.truncate(descriptor, to: count)
    case Int32(faults_allocate.rawValue): return disk.allocate(descriptor, count)
    case Int32(faults_sync.rawValue): return disk.synchronise(descriptor)
    case Int32(faults_rename.rawValue):
      if let to = other.flatMap({ Self.name($0, in: disk) }) { return disk.rename(name, to: to) }
    case Int32(faults_remove.rawValue): return disk.remove(name)
    default: break
    }
    return 0
  }

  /// The disk of a file and the file's name on it; nil when it is on none.
  private static func find(_ path: String?, _ descriptor: Int32) -> (Disk, String)? {
    for disk in unsafe disks {
      if let path {
        if let name = name(path, in: disk) { return (disk, name) }
      } else if disk.has(descriptor) {
        return (disk, "")
      }
    }
    return nil
  }

  /// The name of a file in the current daemon's folder; nil for other folders, such as that of a dead daemon.
  private static func name(_ path: String, in disk: Disk) -> String? {
    if path == disk.folder { return "" }
    return path.hasPrefix("\(disk.folder)/") ? String(path.dropFirst(disk.folder.utf8.count + 1)) : nil
  }

  // MARK: FolderMaker

  private(set) var memory: Disk?

  /// The disk of the previous run's last daemon.
  private var last: Disk?

  func disk(_ seed: UInt64) -> Disk {
    number += 1
    powerGoes()
    if let last { remove(last.folder) }
    let disk = Disk(seed: seed, folder: "\(root)\(number)-0", isStrict: seed % 2 == 0)
    last = disk
    return disk
  }

  func show(_ disk: Disk, _ life: Int) {
    // Operations here are not the daemon's.
    unsafe Self.disks = []
    let previous = disk.folder
    let folder = "\(root)\(number)-\(life)"
    do {
      try Files.makeFolder(folder)
      for file in disk.appear(at: folder) { try Files.replace("\(folder)/\(file.name)", with: file.contents) }
    } catch { fatalError("no room for a run: \(error)") }
    remove(previous)
    unsafe Self.disks = [disk] + (memory.map { [$0] } ?? [])
  }

  /// A folder beside the disk's.
  var runtime: String? { "\(root)run" }

  /// The folder for WASM modules and compiled modules.
  var guests: String { "\(root)guests" }

  func powerGoes() {
    unsafe Self.disks = []
    remove("\(root)run")
    try? Files.makeFolder("\(root)run")
    let memory = Disk(seed: 0, folder: "\(root)run", isStrict: false)
    _ = memory.appear(at: memory.folder)
    self.memory = memory
  }

  /// Removes the files of the last run.
  func clean() {
    unsafe Self.disks = []
    remove("\(guests)/modules")
    for name in (try? Files.names(in: root)) ?? [] { remove("\(root)\(name)") }
    _ = unsafe root.withCString { unsafe rmdir($0) }
  }

  private func remove(_ folder: String) {
    for name in (try? Files.names(in: folder)) ?? [] { Files.remove("\(folder)/\(name)") }
    _ = unsafe folder.withCString { unsafe rmdir($0) }
  }
}
