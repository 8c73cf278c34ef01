import Linux
import Model

/// The file system of the daemon's home.
enum StorageChecks {
  /// What the registry needs to go on, with some room for its journal.
  private static let least: UInt64 = 16 << 20

  static func findings(_ machine: Machine, _ facts: Facts) -> [Finding] {
    guard let disk = facts.disk else { return [] }
    if disk.isReadOnly {
      return [
        Finding(
          .storage, .problem, "\(disk.path) is on a file system that is read-only: nothing is kept",
          remedy: "'dmesg' shows whether the card has failed; replace it, or mount it for writing")
      ]
    }
    var findings: [Finding] = []
    if disk.free < least {
      findings.append(
        Finding(
          .storage, .problem, "\(disk.path) has only \(size(disk.free)) left",
          remedy: "make room: 'sudo journalctl --vacuum-size=50M', 'sudo apt clean'"))
    } else if disk.total > 0, disk.free < disk.total / 20 {
      findings.append(
        Finding(
          .storage, .note, "\(disk.path) is almost full: \(size(disk.free)) of \(size(disk.total)) left",
          remedy: "make room: 'sudo journalctl --vacuum-size=50M', 'sudo apt clean'"))
    }
    // Some file systems, such as btrfs, have no fixed number of files and report 0.
    if disk.files > 0, disk.freeFiles < max(100, disk.files / 100) {
      findings.append(
        Finding(
          .storage, .problem, "\(disk.path) has room for only \(disk.freeFiles) more files",
          remedy: "remove files: 'du --inodes -x / | sort -n | tail' finds folders with many"))
    }
    if disk.isInMemory {
      findings.append(
        Finding(
          .storage, .note, "\(disk.path) is in memory: agents' state is lost at the next boot",
          remedy: "name a folder on a disk with 'home:' in openstarry.yaml"))
    }
    if findings.isEmpty {
      findings.append(Finding(.storage, .ok, "\(disk.path): \(size(disk.free)) of \(size(disk.total)) left"))
    }
    return findings
  }

  private static func size(_ bytes: UInt64) -> String {
    bytes >= 10 << 30 ? "\(bytes >> 30) GiB" : "\(bytes >> 20) MiB"
  }
}
