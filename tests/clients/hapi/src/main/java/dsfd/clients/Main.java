package dsfd.clients;

import static dsfd.clients.Checks.holds;
import static dsfd.clients.Checks.refused;
import static dsfd.clients.Checks.same;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.StrictErrorHandler;
import ca.uhn.fhir.rest.api.Constants;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.api.PreferReturnEnum;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.gclient.TokenClientParam;
import ca.uhn.fhir.rest.server.exceptions.ForbiddenOperationException;
import ca.uhn.fhir.rest.server.exceptions.InvalidRequestException;
import ca.uhn.fhir.rest.server.exceptions.NotModifiedException;
import ca.uhn.fhir.rest.server.exceptions.PreconditionFailedException;
import ca.uhn.fhir.rest.server.exceptions.ResourceGoneException;
import ca.uhn.fhir.rest.server.exceptions.ResourceNotFoundException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import javax.net.ssl.SSLContext;
import org.apache.http.impl.client.HttpClients;
import org.hl7.fhir.instance.model.api.IBaseOperationOutcome;
import org.hl7.fhir.instance.model.api.IIdType;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.CapabilityStatement;
import org.hl7.fhir.r4.model.Endpoint;
import org.hl7.fhir.r4.model.Group;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.Organization;
import org.hl7.fhir.r4.model.Reference;

/** All interactions of HAPI FHIR's client against a running endpoint: Main BASE_URL PKI_FOLDER MEBIBYTES_OF_A_BINARY. Finds: an answer that it does not understand. */
public final class Main {
  private static final String GROUPS = "http://clients.example/groups";
  private static final TokenClientParam IDENTIFIER = new TokenClientParam("identifier");
  private final FhirContext context = FhirContext.forR4();
  private final IGenericClient local;
  private final IGenericClient remote;
  private final Checks checks = new Checks();

  private Main(String base, Path pki) throws Exception {
    context.setParserErrorHandler(new StrictErrorHandler());
    local = client(context, base, Identity.of(pki, "site-a"));
    remote = client(FhirContext.forR4(), base, Identity.of(pki, "site-b"));
  }

  public static void main(String[] arguments) throws Exception {
    Path pki = Path.of(arguments[1]);
    Main test = new Main(arguments[0], pki);
    for (EncodingEnum encoding : new EncodingEnum[] {EncodingEnum.JSON, EncodingEnum.XML}) test.interactions(encoding);
    FhirContext large = FhirContext.forR4();
    client(large, arguments[0], Identity.of(pki, "site-a"));
    new Binaries(large, arguments[0], Integer.parseInt(arguments[2])).run(test.checks);
    new Responses(test.context, arguments[0], Identity.of(pki, "site-a")).run(test.checks);
    System.exit(test.checks.end());
  }

  // A context has one HTTP client, so whoever has another certificate needs another context.
  private static IGenericClient client(FhirContext context, String base, SSLContext tls) {
    context.getRestfulClientFactory().setSocketTimeout(600_000);
    context.getRestfulClientFactory().setHttpClient(HttpClients.custom().setSSLContext(tls).disableAutomaticRetries().build());
    return context.newRestfulGenericClient(base);
  }

  private static Group group(String value) {
    Group out = new Group();
    out.getMeta().addTag("http://dsf.dev/fhir/CodeSystem/read-access-tag", "LOCAL", null);
    out.setType(Group.GroupType.PERSON).setActual(true);
    out.addIdentifier().setSystem(GROUPS).setValue(value);
    return out;
  }

  private MethodOutcome create(Group g) {
    return local.create().resource(g).prefer(PreferReturnEnum.REPRESENTATION).execute();
  }

  private void interactions(EncodingEnum encoding) {
    local.setEncoding(encoding);
    remote.setEncoding(encoding);
    String as = " (" + encoding + ")";
    checks.run("metadata" + as, this::metadata);
    checks.run("create, read, vread, update, delete" + as, this::lifeOfAResource);
    checks.run("ETag, If-Match, If-None-Match" + as, this::versions);
    checks.run("conditional create, update, delete" + as, this::conditions);
    checks.run("search and every page to the end" + as, this::pages);
    checks.run("includes" + as, this::includes);
    checks.run("histories" + as, this::histories);
    checks.run("transaction" + as, this::transaction);
    checks.run("batch" + as, this::batch);
    checks.run("errors" + as, this::errors);
  }

  private void metadata() {
    CapabilityStatement statement = local.capabilities().ofType(CapabilityStatement.class).execute();
    same("4.0.1", statement.getFhirVersion().toCode());
    holds(statement.getRestFirstRep().getResource().stream().anyMatch(r -> r.getType().equals("Task")), "no Task in the CapabilityStatement");
  }

  private void lifeOfAResource() throws Exception {
    MethodOutcome first = create(group(UUID.randomUUID().toString()));
    same(true, first.getCreated());
    IIdType id = first.getId().toUnqualifiedVersionless();
    same("1", first.getId().getVersionIdPart());
    Group read = local.read().resource(Group.class).withId(id.getIdPart()).execute();
    same(((Group) first.getResource()).getIdentifierFirstRep().getValue(), read.getIdentifierFirstRep().getValue());
    read.setName("second");
    MethodOutcome second = local.update().resource(read).prefer(PreferReturnEnum.REPRESENTATION).execute();
    same("2", second.getId().getVersionIdPart());
    same(null, local.read().resource(Group.class).withIdAndVersion(id.getIdPart(), "1").execute().getName());
    same("second", local.vread(Group.class, id.getIdPart(), "2").getName());
    local.delete().resourceById(id).execute();
    refused(ResourceGoneException.class, () -> local.read().resource(Group.class).withId(id.getIdPart()).execute());
  }

  private void versions() throws Exception {
    IIdType id = create(group(UUID.randomUUID().toString())).getId();
    Group mine = group("mine");
    mine.setId(id.toUnqualified());  // version 1, which the client sends as If-Match
    same("2", local.update().resource(mine).withAdditionalHeader("If-Match", "W/\"1\"").execute().getId().getVersionIdPart());
    PreconditionFailedException late =
        refused(PreconditionFailedException.class, () -> local.update().resource(mine).withAdditionalHeader("If-Match", "W/\"1\"").execute());
    holds(diagnostics(late.getOperationOutcome()).contains("expected version 1 does not match latest version 2"), diagnostics(late.getOperationOutcome()));
    refused(NotModifiedException.class,
        () -> local.read().resource(Group.class).withId(id.getIdPart()).withAdditionalHeader("If-None-Match", "W/\"2\"").execute());
    Group read = local.read().resource(Group.class).withId(id.getIdPart()).execute();
    same("W/\"2\"", "W/\"" + read.getIdElement().getVersionIdPart() + "\"");
  }

  private void conditions() throws Exception {
    String value = UUID.randomUUID().toString();
    // HAPI's own form of the header is a whole URL with _format, which R4 has not and DSF refuses; the header of the standard is the query alone.
    InvalidRequestException url = refused(InvalidRequestException.class,
        () -> local.create().resource(group(value)).conditional().where(IDENTIFIER.exactly().systemAndIdentifier(GROUPS, value)).execute());
    holds(diagnostics(url.getOperationOutcome()).startsWith("Bad If-None-Exist header value 'https://"), diagnostics(url.getOperationOutcome()));
    String query = "identifier=" + GROUPS + "|" + value;
    MethodOutcome first = local.create().resource(group(value)).withAdditionalHeader("If-None-Exist", query).execute();
    same(true, first.getCreated());
    MethodOutcome found = local.create().resource(group(value)).withAdditionalHeader("If-None-Exist", query).execute();
    same(first.getId().getIdPart(), found.getId().getIdPart());
    holds(!Boolean.TRUE.equals(found.getCreated()), "what was found is said to be created");
    MethodOutcome changed = local.update().resource(group(value)).conditional().where(IDENTIFIER.exactly().systemAndIdentifier(GROUPS, value)).execute();
    same(first.getId().getIdPart(), changed.getId().getIdPart());
    same("2", changed.getId().getVersionIdPart());
    local.delete().resourceConditionalByType(Group.class).where(IDENTIFIER.exactly().systemAndIdentifier(GROUPS, value)).execute();
    same(0, search(GROUPS, value).getTotal());
  }

  private Bundle search(String system, String value) {
    return local.search().forResource(Group.class).where(IDENTIFIER.exactly().systemAndIdentifier(system, value)).returnBundle(Bundle.class).execute();
  }

  private void pages() throws Exception {
    String system = "http://clients.example/pages/" + UUID.randomUUID();
    List<String> wanted = new ArrayList<>();
    for (int i = 0; i < 23; ++i) {
      Group g = group("p%02d".formatted(i));
      g.getIdentifierFirstRep().setSystem(system);
      wanted.add(g.getIdentifierFirstRep().getValue());
      create(g);
    }
    Bundle page = local.search().forResource(Group.class).where(IDENTIFIER.hasSystemWithAnyCode(system)).sort().ascending("identifier").count(5)
        .returnBundle(Bundle.class).execute();
    List<String> seen = new ArrayList<>();
    for (int pages = 1;; ++pages) {
      same(23, page.getTotal());
      page.getEntry().forEach(e -> seen.add(((Group) e.getResource()).getIdentifierFirstRep().getValue()));
      if (page.getLink(Bundle.LINK_NEXT) == null) {
        same(5, pages);
        break;
      }
      page = local.loadPage().next(page).execute();
    }
    same(wanted, seen);
    same(5, local.loadPage().previous(page).execute().getEntry().size());
    InvalidRequestException strict = refused(InvalidRequestException.class,
        () -> local.search().byUrl("Group?nonsense=x").withAdditionalHeader("Prefer", "handling=strict").returnBundle(Bundle.class).execute());
    holds(diagnostics(strict.getOperationOutcome()).contains("nonsense"), diagnostics(strict.getOperationOutcome()));
  }

  private void includes() {
    Bundle found = local.search().forResource(Organization.class)
        .where(IDENTIFIER.exactly().systemAndIdentifier("http://dsf.dev/sid/organization-identifier", "site-b.example"))
        .include(Organization.INCLUDE_ENDPOINT).returnBundle(Bundle.class).execute();
    same(1, found.getTotal());
    same(Bundle.SearchEntryMode.INCLUDE, found.getEntry().get(1).getSearch().getMode());
    Endpoint endpoint = (Endpoint) ((Organization) found.getEntryFirstRep().getResource()).getEndpointFirstRep().getResource();
    holds(endpoint != null && endpoint.hasAddress(), "the included Endpoint is not stitched into the Organization");
  }

  private void histories() {
    IIdType id = create(group(UUID.randomUUID().toString())).getId();
    Date since = local.read().resource(Group.class).withId(id.getIdPart()).execute().getMeta().getLastUpdated();
    Group next = group("two");
    next.setId(id.toUnqualifiedVersionless());
    local.update().resource(next).execute();
    local.delete().resourceById(id.toUnqualifiedVersionless()).execute();
    Bundle own = local.history().onInstance(id.toUnqualifiedVersionless()).returnBundle(Bundle.class).execute();
    same(3, own.getEntry().size());
    Set<String> methods = new HashSet<>();
    own.getEntry().forEach(e -> methods.add(e.getRequest().getMethod().toCode()));
    same(Set.of("POST", "PUT", "DELETE"), methods);
    Bundle type = local.history().onType(Group.class).returnBundle(Bundle.class).since(since).count(2).execute();
    same(2, type.getEntry().size());
    holds(type.getTotal() >= 3, "the type's history has " + type.getTotal() + " versions");
    same(1, local.loadPage().next(type).execute().getEntry().size());
    holds(local.history().onServer().returnBundle(Bundle.class).since(since).execute().getTotal() >= 3, "the server's history is shorter than the type's");
  }

  private void transaction() throws Exception {
    String full = "urn:uuid:" + UUID.randomUUID(), value = UUID.randomUUID().toString();
    Bundle request = new Bundle().setType(Bundle.BundleType.TRANSACTION);
    request.addEntry().setFullUrl(full).setResource(group(value)).getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Group");
    Group second = group(value + "-2");
    second.addMember().setEntity(new Reference(full));
    request.addEntry().setFullUrl("urn:uuid:" + UUID.randomUUID()).setResource(second).getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Group");
    Bundle answer = local.transaction().withBundle(request).execute();
    same(Bundle.BundleType.TRANSACTIONRESPONSE, answer.getType());
    for (Bundle.BundleEntryComponent e : answer.getEntry()) holds(e.getResponse().getStatus().startsWith("201"), e.getResponse().getStatus());
    Group stored = local.read().resource(Group.class).withUrl(new IdType(answer.getEntry().get(1).getResponse().getLocation())).execute();
    same(new IdType(answer.getEntry().get(0).getResponse().getLocation()).getIdPart(), stored.getMemberFirstRep().getEntity().getReferenceElement().getIdPart());
    Bundle bad = request.copy();
    String other = UUID.randomUUID().toString();
    ((Group) bad.getEntry().get(0).getResource()).getIdentifierFirstRep().setValue(other);
    ((Group) bad.getEntry().get(1).getResource()).getMemberFirstRep().setEntity(new Reference("urn:uuid:" + UUID.randomUUID()));
    refused(ForbiddenOperationException.class, () -> local.transaction().withBundle(bad).execute());
    same(0, search(GROUPS, other).getTotal());
  }

  private void batch() {
    IIdType id = create(group(UUID.randomUUID().toString())).getId();
    Bundle request = new Bundle().setType(Bundle.BundleType.BATCH);
    request.addEntry().getRequest().setMethod(Bundle.HTTPVerb.GET).setUrl("Group/" + id.getIdPart());
    request.addEntry().getRequest().setMethod(Bundle.HTTPVerb.GET).setUrl("Group/" + UUID.randomUUID());
    Bundle answer = local.transaction().withBundle(request).execute();
    same(Bundle.BundleType.BATCHRESPONSE, answer.getType());
    same(id.getIdPart(), answer.getEntry().get(0).getResource().getIdElement().getIdPart());
    holds(answer.getEntry().get(1).getResponse().getStatus().startsWith("404"), answer.getEntry().get(1).getResponse().getStatus());
  }

  private void errors() throws Exception {
    refused(ResourceNotFoundException.class, () -> local.read().resource(Group.class).withId(UUID.randomUUID().toString()).execute());
    refused(ForbiddenOperationException.class, () -> remote.create().resource(group("x")).execute());
    IIdType hidden = create(group(UUID.randomUUID().toString())).getId();
    ForbiddenOperationException no =
        refused(ForbiddenOperationException.class, () -> remote.read().resource(Group.class).withId(hidden.getIdPart()).execute());
    holds(!diagnostics(no.getOperationOutcome()).isEmpty(), "the refusal has no OperationOutcome");
    same(403, no.getStatusCode());
    same(Constants.STATUS_HTTP_404_NOT_FOUND, refused(ResourceNotFoundException.class,
        () -> local.read().resource(Group.class).withId("no-uuid").execute()).getStatusCode());
  }

  private static String diagnostics(IBaseOperationOutcome outcome) {
    return outcome instanceof OperationOutcome o ? o.getIssueFirstRep().getDiagnostics() : "";
  }
}
