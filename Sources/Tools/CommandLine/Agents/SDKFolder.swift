import Linux

/// Finds the SDK: a folder with the script `build` and the module `OpenStarryAgent`.
enum SDKFolder {
  /// The environment variable that names the folder.
  static let variable = "OPENSTARRY_SDK"

  /// Finds the build script: in `$OPENSTARRY_SDK` if it is set; otherwise in `../share/openstarry/sdk` beside the
  /// program's folder, where the package installs it; otherwise in a folder `SDK` beside any folder above the program,
  /// as in a checkout.
  /// - Parameter program: the path of this program, without symbolic links.
  /// - Returns: the path of the build script.
  static func script(environment: [String: String], program: String) throws(Failure) -> String {
    if let named = environment[variable], !named.isEmpty {
      let script = "\(named)/build"
      guard Files.isFile(script) else {
        throw Failure(.notFound, "$\(variable) is '\(named)', but \(script) does not exist")
      }
      return script
    }
    var folder = Files.folder(of: program)
    var places = [Files.join(Files.folder(of: folder), "share/openstarry/sdk")]
    while folder != "/" && folder != "." {
      places.append(Files.join(folder, "SDK"))
      folder = Files.folder(of: folder)
    }
    for place in places where Files.isFile("\(place)/build") { return "\(place)/build" }
    throw Failure(
      .notFound,
      "the SDK was not found in \(places[0]) or the checkout of this program: "
        + "install the package, or set $\(variable) to the folder 'SDK' of a checkout")
  }
}
