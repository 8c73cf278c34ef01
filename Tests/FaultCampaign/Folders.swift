import CFaults
import FaultKit
import Glibc
import Linux

/// Folders in memory, for the daemons of one run after the other; everything that is done in them goes by the disk of
/// the run.
final class Folders: FolderMaker {
  /// Who is told of files; calls come on the campaign's only thread.
  nonisolated(unsafe) private static var disk: Disk?
  private let root: String
  private var number = 0

  /// Makes the folder that all others are in, with a slash at its end.
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
    guard let disk = unsafe disk else { return 0 }
    let name = path.flatMap { Self.name($0, in: disk) }
    if path != nil && name == nil { return 0 }
    switch operation {
    case Int32(faults_create.rawValue): return disk.create(name ?? "", truncates: Int32(count) & O_TRUNC != 0)
    case Int32(faults_open.rawValue): disk.opened(name ?? "", as: descriptor)
    case Int32(faults_close.rawValue): disk.closed(descriptor)
    case Int32(faults_write.rawValue): return disk.write(descriptor, bytes, at: offset)
    case Int32(faults_truncate.rawValue): return disk.truncate(descriptor, to: count)
    case Int32(faults_sync.rawValue): return disk.synchronise(descriptor)
    case Int32(faults_rename.rawValue):
      if let to = other.flatMap({ Self.name($0, in: disk) }) { return disk.rename(name ?? "", to: to) }
    case Int32(faults_remove.rawValue): return disk.remove(name ?? "")
    default: break
    }
    return 0
  }

  /// The name of a file in the folder that the daemon has now; nil elsewhere, as for what a dead one still does.
  private static func name(_ path: String, in disk: Disk) -> String? {
    if path == disk.folder { return "" }
    return path.hasPrefix("\(disk.folder)/") ? String(path.dropFirst(disk.folder.utf8.count + 1)) : nil
  }

  // MARK: FolderMaker

  func disk(_ seed: UInt64) -> Disk {
    number += 1
    powerGoes()
    return Disk(seed: seed, folder: "\(root)\(number)-0", isStrict: seed % 2 == 0)
  }

  func show(_ disk: Disk, _ life: Int) {
    // What is made here is no work of the daemon's.
    unsafe Self.disk = nil
    let previous = disk.folder
    let folder = "\(root)\(number)-\(life)"
    do {
      try Files.makeFolder(folder)
      for file in disk.appear(at: folder) { try Files.replace("\(folder)/\(file.name)", with: file.contents) }
    } catch { fatalError("no room for a run: \(error)") }
    remove(previous)
    unsafe Self.disk = disk
  }

  /// Beside the disk's folders: what is done in it goes by no disk.
  var runtime: String? { "\(root)run" }

  /// Where modules are, and what is compiled of them.
  var guests: String { "\(root)guests" }

  func powerGoes() {
    remove("\(root)run")
    try? Files.makeFolder("\(root)run")
  }

  /// Takes away what the last run left.
  func clean() {
    unsafe Self.disk = nil
    remove("\(guests)/modules")
    for name in (try? Files.names(in: root)) ?? [] { remove("\(root)\(name)") }
    _ = unsafe root.withCString { unsafe rmdir($0) }
  }

  private func remove(_ folder: String) {
    for name in (try? Files.names(in: folder)) ?? [] { Files.remove("\(folder)/\(name)") }
    _ = unsafe folder.withCString { unsafe rmdir($0) }
  }
}
