/// Makes the folders that daemons use.
///
/// The contents of `runtime` survive until a power cut.
package protocol FolderMaker: AnyObject {
  /// The disk of a run.
  func disk(_ seed: UInt64) -> Disk
  /// Writes the contents of a disk into a new folder, for the daemon with the number `life`.
  func show(_ disk: Disk, _ life: Int)
  /// The path of the folder in memory, as /run is; nil where there is none.
  var runtime: String? { get }
  /// The model of `runtime`, with its faults; nil where there is no such folder.
  var memory: Disk? { get }
  /// The power was cut: empties memory.
  func powerGoes()
}
