import Linux
import Plugins

/// A folder that a guest may read.
struct PluginFolder: Hashable {
  /// The guest's path: `/plugins/<name>`.
  var name: String
  /// The path on the board.
  var path: String
  /// Keeps it from being removed.
  var use: PluginUse?
}

/// The open descriptors of all guests of a driver, whose number is limited.
final class DescriptorQuota {
  fileprivate(set) var used = 0
  let limit: Int
  init(_ limit: Int) { self.limit = limit }
}

/// A guest's environment variables and plugins.
struct GuestEnvironment {
  /// As NAME=value.
  var variables: [String]
  var plugins: [PluginFolder]
  var quota: DescriptorQuota
}

/// A guest's descriptors from 3 on: first its plugin folders, then files and folders below them. All are closed with the guest.
/// A plugin folder takes no descriptor of the process until something below it is opened.
final class GuestFiles {
  /// The most open descriptors of a guest.
  static let limit = 16
  /// The most bytes of one read.
  static let longestRead = 65536
  /// The most names of one folder.
  static let mostEntries = 4096

  /// An open file or folder.
  final class Open {
    fileprivate let descriptor: Descriptor
    let kind: FileKind
    var position: UInt64 = 0
    fileprivate var entries: [FolderEntry]?
    private let quota: DescriptorQuota

    fileprivate init(_ descriptor: consuming Descriptor, _ kind: FileKind, _ quota: DescriptorQuota) {
      self.descriptor = descriptor
      self.kind = kind
      self.quota = quota
      quota.used += 1
    }

    deinit { quota.used -= 1 }
  }

  let plugins: [PluginFolder]
  private let quota: DescriptorQuota
  private var slots: [Open?] = []
  private static let first = 3

  init(_ plugins: [PluginFolder], _ quota: DescriptorQuota) {
    self.plugins = plugins
    self.quota = quota
  }

  func plugin(_ number: UInt32) -> PluginFolder? {
    let index = Int(number) - Self.first
    return plugins.indices.contains(index) ? plugins[index] : nil
  }

  func open(_ number: UInt32) throws(GuestFault) -> Open {
    let index = Int(number) - Self.first - plugins.count
    guard slots.indices.contains(index), let open = slots[index] else { throw .refused(.badDescriptor) }
    return open
  }

  /// Opens a file or folder below an open folder.
  /// - Returns: its descriptor.
  func open(_ path: String, in number: UInt32, mustBeFolder: Bool) throws(GuestFault) -> UInt32 {
    let opened = try within(number) { (folder) throws(SystemError) in try Beneath.read(path, in: folder) }
    let kind = try Self.status(opened.number).kind
    if mustBeFolder && kind != .folder { throw .refused(.notFolder) }
    let free = slots.firstIndex { $0 == nil } ?? slots.count
    guard free < Self.limit, quota.used < quota.limit else { throw .refused(.tooManyFiles) }
    let open = Open(opened, kind, quota)
    if free == slots.count { slots.append(open) } else { slots[free] = open }
    return UInt32(Self.first + plugins.count + free)
  }

  func close(_ number: UInt32) throws(GuestFault) {
    _ = try open(number)
    slots[Int(number) - Self.first - plugins.count] = nil
  }

  func status(_ number: UInt32) throws(GuestFault) -> FileStatus {
    if plugin(number) != nil { return try status(".", in: number) }
    return try Self.status(try open(number).descriptor.number)
  }

  func status(_ path: String, in number: UInt32) throws(GuestFault) -> FileStatus {
    let found = try within(number) { (folder) throws(SystemError) in try Beneath.find(path, in: folder) }
    return try Self.status(found.number)
  }

  /// - Parameter place: the offset; nil continues after the last read.
  func read(_ number: UInt32, at place: UInt64?, _ count: Int) throws(GuestFault) -> [UInt8] {
    let file = try open(number)
    guard file.kind == .regular else { throw .refused(.isFolder) }
    guard let from = Int64(exactly: place ?? file.position) else { throw .refused(.invalid) }
    do throws(SystemError) {
      let bytes = try Beneath.bytes(file.descriptor.number, at: from, limit: min(count, Self.longestRead))
      if place == nil { file.position += UInt64(bytes.count) }
      return bytes
    } catch {
      throw .refused(WASIError(error))
    }
  }

  /// The names of a folder, as of the first call.
  func entries(_ number: UInt32) throws(GuestFault) -> [FolderEntry] {
    let limit = Self.mostEntries
    if plugin(number) != nil {
      var entries: [FolderEntry] = []
      _ = try within(number) { (folder) throws(SystemError) in
        entries = try Beneath.entries(of: folder, limit: limit)
        return try Beneath.find(".", in: folder)
      }
      return entries
    }
    let folder = try open(number)
    guard folder.kind == .folder else { throw .refused(.notFolder) }
    if let entries = folder.entries { return entries }
    do throws(SystemError) {
      let entries = try Beneath.entries(of: folder.descriptor.number, limit: limit)
      folder.entries = entries
      return entries
    } catch {
      throw .refused(WASIError(error))
    }
  }

  private func within(
    _ number: UInt32, _ work: (Int32) throws(SystemError) -> Descriptor
  ) throws(GuestFault) -> Descriptor {
    do throws(SystemError) {
      if let plugin = plugin(number) {
        let folder = try Beneath.folder(plugin.path)
        return try work(folder.number)
      }
    } catch {
      throw .refused(WASIError(error))
    }
    let folder = try open(number)
    guard folder.kind == .folder else { throw .refused(.notFolder) }
    do throws(SystemError) { return try work(folder.descriptor.number) } catch { throw .refused(WASIError(error)) }
  }

  private static func status(_ number: Int32) throws(GuestFault) -> FileStatus {
    do throws(SystemError) { return try FileStatus(of: number) } catch { throw .refused(WASIError(error)) }
  }
}
