/// Makes the folders that daemons see.
public protocol FolderMaker: AnyObject {
  /// The disk of a run.
  func disk(_ seed: UInt64) -> Disk
  /// Writes what a disk has into a folder of its own, for the daemon with this number.
  func show(_ disk: Disk, _ life: Int)
}
