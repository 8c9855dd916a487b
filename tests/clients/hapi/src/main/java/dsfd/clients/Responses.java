package dsfd.clients;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.IParser;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.Base;
import org.hl7.fhir.r4.model.CapabilityStatement;

/** HAPI's parser, in its strict form, reads every kind of answer in JSON and in XML, and reads the same from both. */
final class Responses {
  private final FhirContext context;
  private final String base;
  private final HttpClient http;

  Responses(FhirContext context, String base, SSLContext tls) {
    this.context = context;
    this.base = base;
    http = HttpClient.newBuilder().sslContext(tls).version(HttpClient.Version.HTTP_1_1).build();
  }

  void run(Checks checks) throws Exception {
    CapabilityStatement statement = (CapabilityStatement) parse("metadata", "json");
    for (CapabilityStatement.CapabilityStatementRestResourceComponent resource : statement.getRestFirstRep().getResource()) {
      String type = resource.getType();
      checks.run("what a search for " + type + " gives", () -> both(type + "?_count=50"));
    }
    List<String> others = List.of("metadata", "Organization/_history?_count=30", "_history?_count=30", "Group?_summary=count", "StructureDefinition?_summary=true&_count=20",
        "Organization?_include=Organization:endpoint&_revinclude=OrganizationAffiliation:primary-organization", "Group?nonsense=x", "Group/no-uuid", "Group?_count=2&_elements=identifier");
    for (String path : others) checks.run("what GET " + path + " gives", () -> both(path));
  }

  private void both(String path) throws Exception {
    IBaseResource json = parse(path, "json"), xml = parse(path, "xml");
    if (path.equals("metadata")) return;  // says which form it is, and when it was made
    String a = context.newJsonParser().encodeResourceToString(json), b = context.newJsonParser().encodeResourceToString(xml);
    Checks.same(timeless(a), timeless(b));
    Checks.holds(((Base) json).equalsDeep((Base) context.newJsonParser().parseResource(a)), "what HAPI wrote is not what it read");
  }

  private static String timeless(String text) {
    return text.replaceFirst("\"timestamp\":\"[^\"]*\"", "");
  }

  private IBaseResource parse(String path, String form) throws Exception {
    HttpResponse<String> answer = http.send(HttpRequest.newBuilder(URI.create(base + "/" + path)).header("Accept", "application/fhir+" + form).build(),
        HttpResponse.BodyHandlers.ofString());
    Checks.holds(answer.headers().firstValue("Content-Type").orElse("").startsWith("application/fhir+" + form),
        answer.statusCode() + " " + answer.headers().firstValue("Content-Type").orElse("without a type"));
    IParser parser = form.equals("json") ? context.newJsonParser() : context.newXmlParser();
    return parser.parseResource(answer.body());
  }
}
