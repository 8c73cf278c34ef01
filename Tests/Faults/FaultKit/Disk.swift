import Model

/// What a disk has of one folder: what programs see, and what would be left of it after a power cut.
///
/// Programs see every write at once. After a power cut there is for certain only what an fsync(2) has confirmed; of
/// each later write all, nothing or some sectors. Names are on the disk once the folder has been synchronised, or, as on
/// ext4, any file; before that, the newest changes of names are lost first.
public final class Disk {
  /// One file, whatever it is called.
  final class File {
    /// As programs see it.
    var contents: [UInt8] = []
    /// As it is on the disk for certain.
    fileprivate var kept: [UInt8] = []
    fileprivate var pending: [Change] = []
    /// There is room for so many bytes.
    fileprivate var allocated = 0
  }

  fileprivate enum Change {
    case write(offset: Int, [UInt8])
    case truncate(Int)

    /// - Parameter isTaken: whether the sector with this number is on the disk.
    func apply(to contents: inout [UInt8], _ isTaken: ((Int) -> Bool)? = nil) {
      switch self {
      case .write(let offset, let bytes):
        guard let isTaken else { return Self.write(bytes, at: offset, to: &contents) }
        var start = 0
        while start < bytes.count {
          let end = min(bytes.count, ((offset + start) / 512 + 1) * 512 - offset)
          defer { start = end }
          if isTaken((offset + start) / 512) { Self.write(bytes[start..<end], at: offset + start, to: &contents) }
        }
      case .truncate(let size):
        if isTaken?(0) ?? true { Self.truncate(&contents, to: size) }
      }
    }

    private static func write<Bytes: RandomAccessCollection<UInt8>>(
      _ bytes: Bytes, at offset: Int, to contents: inout [UInt8]
    ) {
      if contents.count < offset { truncate(&contents, to: offset) }
      contents.replaceSubrange(offset..<min(contents.count, offset + bytes.count), with: bytes)
    }

    private static func truncate(_ contents: inout [UInt8], to size: Int) {
      if size < contents.count { return contents.removeLast(contents.count - size) }
      contents += [UInt8](repeating: 0, count: size - contents.count)
    }
  }

  /// What is wrong with it.
  public enum Trouble: Hashable, Sendable { case slow, full, sync, write }

  /// Until when what is wrong.
  private var troubles: [Trouble: Instant] = [:]
  private var files: [String: File] = [:]
  private var keptNames: [String: File] = [:]
  /// Changes of names since the folder was last on the disk; nil removes a name.
  private var renames: [(name: String, file: File?)] = []
  private var open: [Int32: File?] = [:]
  private var left: Int?
  /// Nobody has it: what a dead program's objects still do to it is nobody's doing.
  private var isLeft = true
  private var chance: Chance
  private let isStrict: Bool
  var clock: (any Timekeeper)?
  /// How many calls it has been asked to carry out, and how many of those it refused.
  public private(set) var operations = 0
  public private(set) var refusals = 0
  /// Where programs see it.
  public private(set) var folder: String

  /// An empty one.
  /// - Parameters:
  ///   - folder: where programs see it at first.
  ///   - isStrict: names wait for the folder's own fsync(2); otherwise any file's will do.
  public init(seed: UInt64, folder: String, isStrict: Bool) {
    chance = Chance(seed, "disk")
    self.folder = folder
    self.isStrict = isStrict
  }

  // MARK: Faults

  func suffer(_ trouble: Trouble, until end: Instant) { troubles[trouble] = end }

  /// Nothing can grow there now.
  var isFull: Bool { suffers(.full) }

  private func suffers(_ trouble: Trouble) -> Bool {
    guard let end = troubles[trouble], let clock else { return false }
    return clock.now < end
  }

  /// How long the next piece of work takes.
  func delay() -> Duration {
    suffers(.slow) ? chance.milliseconds(500...12_000) : .microseconds(chance.within(100...4000))
  }

  /// The next `writes` calls are carried out; those after them are not, though the caller is told so: it is dead.
  func cut(after writes: Int) { left = writes }

  // MARK: Calls

  public func create(_ name: String, truncates: Bool) -> Int32 {
    if let file = files[name] { return truncates ? change(file, .truncate(0)) : 0 }
    guard goesOn() else { return 0 }
    if suffers(.full) { return refuse(28) }
    let file = File()
    files[name] = file
    renames.append((name, file))
    return 0
  }

  /// - Parameter name: empty for the folder itself.
  public func opened(_ name: String, as descriptor: Int32) { open[descriptor] = .some(files[name]) }
  public func closed(_ descriptor: Int32) { open[descriptor] = nil }

  public func write(_ descriptor: Int32, _ bytes: [UInt8], at offset: Int) -> Int32 {
    guard case .some(.some(let file)) = open[descriptor] else { return 0 }
    if left != 0 {
      if suffers(.full), offset + bytes.count > file.contents.count { return refuse(28) }
      if suffers(.write), chance.happens(50) { return refuse(5) }
    }
    return change(file, .write(offset: offset, bytes))
  }

  public func truncate(_ descriptor: Int32, to size: Int) -> Int32 {
    guard case .some(.some(let file)) = open[descriptor] else { return 0 }
    return change(file, .truncate(size))
  }

  /// There is to be room for so many bytes of a file.
  public func allocate(_ descriptor: Int32, _ size: Int) -> Int32 {
    guard case .some(.some(let file)) = open[descriptor], size > file.allocated else { return 0 }
    if left != 0, suffers(.full) { return refuse(28) }
    guard goesOn() else { return 0 }
    file.allocated = size
    return 0
  }

  /// Whether a file of this disk has this descriptor.
  public func has(_ descriptor: Int32) -> Bool { open[descriptor] != nil }

  private func change(_ file: File, _ change: Change) -> Int32 {
    guard goesOn() else { return 0 }
    change.apply(to: &file.contents)
    file.pending.append(change)
    return 0
  }

  public func synchronise(_ descriptor: Int32) -> Int32 {
    guard let entry = open[descriptor], goesOn() else { return 0 }
    let fails = suffers(.sync) && chance.happens(70)
    if let file = entry {
      // After a failure the kernel calls the pages clean, whether they are on the disk or not.
      for change in file.pending {
        var isTorn = false
        change.apply(to: &file.kept) { [self] _ in
          if fails { isTorn = chance.happens(50) }
          return !isTorn
        }
      }
      file.pending = []
    }
    if fails { return refuse(5) }
    if entry == nil || !isStrict { keepNames(renames.count) }
    return 0
  }

  public func rename(_ from: String, to: String) -> Int32 {
    guard let file = files[from], goesOn() else { return 0 }
    if suffers(.write), chance.happens(20) { return refuse(5) }
    files[from] = nil
    files[to] = file
    renames.append((to, file))
    renames.append((from, nil))
    return 0
  }

  public func remove(_ name: String) -> Int32 {
    guard files[name] != nil, goesOn() else { return 0 }
    files[name] = nil
    renames.append((name, nil))
    return 0
  }

  private func goesOn() -> Bool {
    if isLeft { return false }
    operations += 1
    guard let left else { return true }
    self.left = max(0, left - 1)
    return left > 0
  }

  private func refuse(_ errno: Int32) -> Int32 {
    refusals += 1
    return errno
  }

  private func keepNames(_ count: Int) {
    for (name, file) in renames.prefix(count) { keptNames[name] = file }
    renames.removeFirst(min(count, renames.count))
  }

  // MARK: Deaths

  /// The program that used it is gone.
  func leave() {
    open = [:]
    left = nil
    isLeft = true
  }

  /// The power goes; what is left is what the disk has.
  func cutPower() {
    // Each rename is two changes of names, and happens as a whole or not at all.
    var count = renames.isEmpty ? 0 : chance.within(0...renames.count)
    if count > 0, count < renames.count, renames[count].file == nil, renames[count - 1].file != nil { count += 1 }
    keepNames(count)
    renames = []
    var seen: Set<ObjectIdentifier> = []
    for (_, file) in keptNames.sorted(by: { $0.key < $1.key }) where seen.insert(ObjectIdentifier(file)).inserted {
      for change in file.pending {
        let fate = chance.within(0...2)
        change.apply(to: &file.kept) { [self] _ in fate == 0 || fate == 1 && chance.happens(50) }
      }
      file.pending = []
      file.contents = file.kept
    }
    files = keptNames
    troubles = [:]
  }

  /// Programs see it at `folder` from now on.
  /// - Returns: the files there are to be.
  public func appear(at folder: String) -> [(name: String, contents: [UInt8])] {
    self.folder = folder
    isLeft = false
    return files.sorted { $0.key < $1.key }.map { ($0.key, $0.value.contents) }
  }

  /// What programs see, by name.
  public var contents: [String: [UInt8]] { files.mapValues(\.contents) }
}
