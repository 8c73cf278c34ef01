import Config
import Document
import Isolations
import Linux
import Model

/// The parameters for registering an agent: the manifest, and the module if it fits into a request. The daemon may be
/// unable to read the files, because it runs as another user and its unit hides home folders.
enum Handover {
  /// The greatest size of a module in a request, in bytes: a request has at most 1 MiB. The daemon reads a larger
  /// module itself.
  static let limit = 700 << 10

  /// The parameters of `registry.register`.
  /// - Parameters:
  ///   - file: the manifest's path on the command line.
  ///   - text: the contents of the file.
  static func params(_ file: String, _ text: [UInt8]) throws(Failure) -> Fields {
    let (manifest, path): (Value, String)
    do throws(Diagnostics) { manifest = try ConfigText.parse(text, file: file).value } catch {
      throw Failure(.failed, "\(file.printable) was not registered", details: error.all.map(\.description))
    }
    try CommandFile.checkManifest(manifest, of: file)
    do throws(SystemError) { path = try Files.resolve(file) } catch { throw CommandFile.unreadable(file, error) }
    var params: Fields = ["manifest": manifest, "file": .string(path)]
    if let module = module(of: manifest, beside: path) { params["module"] = .string(Base64.text(module)) }
    return params
  }

  private static func module(of manifest: Value, beside path: String) -> [UInt8]? {
    guard let driver = manifest["runtime"]?["driver"]?.string.flatMap(Manifest.Driver.init(rawValue:)),
      Isolations.of(driver)?.buildsEntry ?? false, let entry = manifest["runtime"]?["entry"]?.string
    else { return nil }
    return try? Files.read(Files.join(Files.folder(of: path), entry), limit: limit)
  }
}
