/// Makes the folders that daemons see.
///
/// What is in `runtime` stays while there is power.
public protocol FolderMaker: AnyObject {
  /// The disk of a run.
  func disk(_ seed: UInt64) -> Disk
  /// Writes what a disk has into a folder of its own, for the daemon with this number.
  func show(_ disk: Disk, _ life: Int)
  /// Where a daemon keeps what is in memory, as in /run; nil where nothing can be kept.
  var runtime: String? { get }
  /// What is there, with what is wrong with it; nil where there is no such folder.
  var memory: Disk? { get }
  /// Memory is empty again.
  func powerGoes()
}
