import ArgumentParser
import Linux
import Model
import PluginInstallation
import Plugins

// The subcommands of `plugin` about keys and signatures.
extension PluginCommands {
  struct Trust: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Trusts the plugins that a key has signed; without arguments lists the trusted keys.",
      discussion: "Whoever can write the folder of plugins can trust keys: on a packaged board that is root alone.")
    @OptionGroup var shared: SharedOptions
    @OptionGroup var place: PluginPlace

    @Argument(help: "A name for the key, for 'plugin list'.")
    var name: String?

    @Argument(help: ArgumentHelp("The public key in Base64, or its file.", valueName: "key"), completion: .file())
    var key: String?

    @Flag(help: "Trusts the key no longer. Plugins that it has signed stay.")
    var remove = false

    func validate() throws {
      if remove, name == nil || key != nil { throw ValidationError("--remove takes the name of a key alone") }
      if !remove, name != nil, key == nil { throw ValidationError("name the key, too: in Base64, or its file") }
    }

    func run() throws {
      let folder = try place.folder()
      if remove, let name {
        guard folder.distrust(name) else { throw Failure(.notFound, "no trusted key is called '\(name)'") }
      } else if let name, let key {
        try pluginWork { () throws(PluginError) in try folder.trust(name, key) }
      }
      let keys = try pluginWork { () throws(PluginError) in try folder.trustedKeys() }
      try shared.show(.map(["keys": .map(Fields(keys.map { ($0.name, .string($0.key)) }))])) { _, _ in
        keys.isEmpty ? ["no key is trusted"] : keys.map { "\($0.key)  \($0.name.printable)" }
      }
    }
  }

  struct Key: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes a pair of keys for signing plugins.",
      discussion:
        "The first file is secret: keep it off the boards. The file that ends in .pub is for those who trust you.")
    @OptionGroup var shared: SharedOptions

    @Argument(help: "The file of the secret key, which must not exist.")
    var file: String

    func run() throws {
      let key = try pluginWork { () throws(PluginError) in try Signing.makeKeys(file) }
      try shared.show(["secret": .string(file), "public": .string("\(file).pub"), "key": .string(key)]) { _, _ in
        ["\(file): the secret key", "\(file).pub: the public key, \(key)"]
      }
    }
  }

  struct Sign: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Signs the plugin in a folder: writes 'integrity' into its plugin.json.",
      discussion: "Sign last: any later change of a file makes the signature invalid.")
    @OptionGroup var shared: SharedOptions

    @Argument(help: ArgumentHelp("The plugin's folder.", valueName: "folder"), completion: .directory)
    var folder: String

    @Option(help: ArgumentHelp("The secret key, of 'openstarry plugin key'.", valueName: "file"), completion: .file())
    var key: String

    func run() throws {
      let manifest = try pluginWork { () throws(PluginError) in try Signing.sign(folder, with: key) }
      try shared.show(["plugin": .string(manifest.name), "version": .string("\(manifest.version)")]) { _, _ in
        ["\(manifest.folder.printable) is signed"]
      }
    }
  }
}
