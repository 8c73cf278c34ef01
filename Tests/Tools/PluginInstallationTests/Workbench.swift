import Linux
import Plugins
import TestKit
import Testing

@testable import PluginInstallation

/// A folder of plugins, sources of plugins, and keys.
struct Workbench {
  let place: TemporaryFolder
  var plugins: String { "\(place.path)/plugins" }

  init() throws { place = try TemporaryFolder() }

  /// - Parameter unsigned: the setting `unsigned_plugins`.
  func folder(unsigned: Bool = true) -> PluginFolder {
    PluginFolder(plugins, allowsUnsigned: unsigned, unpacker: Beside.path("openstarry-unpack"))
  }

  /// Writes a plugin's source.
  /// - Returns: its folder.
  func source(
    _ name: String = "tables", _ version: String = "1.0.0", extra: String = "",
    files: [String: String] = ["data.csv": "1,2,3\n"]
  ) throws -> String {
    let folder = "\(place.path)/source-\(name.filter { $0 != "/" })-\(version)"
    for (path, text) in files {
      try Files.makeFolder(Files.folder(of: "\(folder)/\(path)"))
      try Files.replace("\(folder)/\(path)", with: Array(text.utf8))
    }
    try Files.makeFolder(folder)
    try Files.replace(
      "\(folder)/plugin.json", with: Array(#"{"name": "\#(name)", "version": "\#(version)"\#(extra)}"#.utf8))
    return folder
  }

  /// Installs a plugin.
  @discardableResult
  func install(_ source: String, unsigned: Bool = true) throws(PluginError) -> PluginFolder.Outcome {
    try folder(unsigned: unsigned).install(source, at: "2026-01-02T03:04:05Z")
  }

  /// The error of an installation; nil if it succeeds. Nothing may be left of it then.
  func refusal(_ source: String, unsigned: Bool = true) -> String? {
    do throws(PluginError) { try install(source, unsigned: unsigned) } catch {
      let left = ((try? Files.names(in: plugins)) ?? []).filter { $0.hasPrefix(".installing") || $0.contains("@") }
      #expect(left.isEmpty, "left behind: \(left)")
      return error.description
    }
    return nil
  }

  /// Makes an archive with Python's tarfile or zipfile.
  /// - Parameter script: Python that has `add(name, data=b"", **attributes)`, and `tarfile`, `zipfile`, `io`.
  func archive(_ name: String, _ script: String) throws -> String {
    let path = "\(place.path)/\(name)"
    let program = """
      import io, sys, tarfile, zipfile
      path = sys.argv[1]
      MANIFEST = b'{"name": "tables", "version": "1.0.0"}'
      if path.endswith('.zip'):
          archive = zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED)
          def add(name, data=b'', mode=0o644):
              info = zipfile.ZipInfo(name)
              info.external_attr = mode << 16
              info.compress_type = zipfile.ZIP_DEFLATED
              archive.writestr(info, data)
      else:
          archive = tarfile.open(path, 'w:' + ('gz' if path.endswith('gz') else 'xz' if path.endswith('xz') else ''))
          def add(name, data=b'', **attributes):
              info = tarfile.TarInfo(name)
              info.size = len(data)
              for key, value in attributes.items(): setattr(info, key, value)
              archive.addfile(info, io.BytesIO(data))
      \(script)
      archive.close()
      """
    var plan = SpawnPlan("/usr/bin/python3", ["python3", "-c", program, path])
    plan.errors = .inherited
    #expect(try Spawn.wait(for: Spawn.start(plan)) == 0)
    return path
  }
}
